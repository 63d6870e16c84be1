package dev.comity.accounting;

/// What events have cost at a given δ.
///
/// @param epsilon ≥ 0; infinite when no ε holds at this δ
/// @param delta in (0, 1)
/// @param method whose number `epsilon` is
public record PrivacyLoss(double epsilon, double delta, Method method) {
  public PrivacyLoss {
    if (!(epsilon >= 0)) { // also refuses NaN
      throw new IllegalArgumentException(
          "privacy loss epsilon %s: must be >= 0".formatted(epsilon));
    }
    requireDelta(delta);
  }

  static double requireDelta(double delta) {
    if (!(delta > 0 && delta < 1)) {
      throw new IllegalArgumentException("delta %s: must be in (0, 1)".formatted(delta));
    }
    return delta;
  }

  static double requireEpsilon(double epsilon) {
    if (!(epsilon >= 0 && epsilon < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException("epsilon %s: must be >= 0 and finite".formatted(epsilon));
    }
    return epsilon;
  }

  /// The ways to account.
  public enum Method {
    /// Rényi differential privacy.
    RDP,
    /// Zero-concentrated differential privacy.
    ZCDP,
    /// Privacy loss distributions.
    PLD
  }
}
