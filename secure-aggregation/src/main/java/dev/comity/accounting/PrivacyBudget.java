package dev.comity.accounting;

/// What may be spent on one data set: at most (ε, δ)-differential privacy (Dwork, Roth 2014,
/// definition 2.4).
///
/// @param epsilon positive and finite
/// @param delta in (0, 1)
public record PrivacyBudget(double epsilon, double delta) {
  public PrivacyBudget {
    if (!(epsilon > 0 && epsilon < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException(
          "privacy budget epsilon %s: must be > 0 and finite".formatted(epsilon));
    }
    if (!(delta > 0 && delta < 1)) {
      throw new IllegalArgumentException(
          "privacy budget delta %s: must be in (0, 1)".formatted(delta));
    }
  }

  /// Whether `loss` was computed at this δ or a smaller one and its ε is within this budget.
  public boolean covers(PrivacyLoss loss) {
    return loss.delta() <= delta && loss.epsilon() <= epsilon;
  }
}
