package dev.comity.accounting;

import java.util.Collection;

/// Accounts for unsampled Gaussian noise, continuous or discrete, by zero-concentrated differential
/// privacy (Bun, Steinke 2016): each ρ adds up under composition, and a mechanism with ρ has Rényi
/// divergence at most ρ·α at every order α > 1. The order is optimised over all reals.
public final class ZcdpAccountant implements PrivacyAccountant {
  private static final double GOLDEN = (Math.sqrt(5) - 1) / 2;

  /// ln(α − 1) is searched for between these.
  private static final double LEAST = Math.log(0.01);

  private static final double MOST = Math.log(1e12);
  private static final double PRECISION = 1e-9;

  @Override
  public boolean covers(PrivacyEvent event) {
    return switch (event) {
      case PrivacyEvent.PoissonGaussian(_, double q, _) -> q == 1;
      case PrivacyEvent.Gaussian _,
          PrivacyEvent.DiscreteGaussianInteger _,
          PrivacyEvent.DiscreteGaussianSum _ ->
          true;
    };
  }

  /// The ρ of the composition, ≥ 0.
  public double rho(Collection<? extends PrivacyEvent> events) {
    double sum = 0;
    for (var entry : Composition.of(this, events).entrySet()) {
      sum += entry.getValue() * rho(entry.getKey());
    }
    return sum;
  }

  @Override
  public PrivacyLoss epsilon(Collection<? extends PrivacyEvent> events, double delta) {
    return new PrivacyLoss(epsilon(rho(events), delta), delta, PrivacyLoss.Method.ZCDP);
  }

  @Override
  public double delta(Collection<? extends PrivacyEvent> events, double epsilon) {
    return delta(rho(events), epsilon);
  }

  /// @param rho ≥ 0
  public static double epsilon(double rho, double delta) {
    PrivacyLoss.requireDelta(delta);
    return least(order -> RenyiConversion.epsilon(order, rho * order, delta));
  }

  /// @param rho ≥ 0
  public static double delta(double rho, double epsilon) {
    PrivacyLoss.requireEpsilon(epsilon);
    return least(order -> RenyiConversion.delta(order, rho * order, epsilon));
  }

  private static double rho(PrivacyEvent mechanism) {
    return switch (mechanism) {
      case PrivacyEvent.PoissonGaussian(double sigma, _, _) -> 1 / (2 * sigma * sigma);
      case PrivacyEvent.Gaussian(double sigma, _) -> 1 / (2 * sigma * sigma);
      case PrivacyEvent.DiscreteGaussianInteger event -> ConcentratedDivergence.rho(event);
      case PrivacyEvent.DiscreteGaussianSum event -> ConcentratedDivergence.rhoOfSum(event);
    };
  }

  private interface BoundAtOrder {
    double at(double order);
  }

  /// Golden-section search over ln(α − 1). Every order gives a valid bound, so a search that missed
  /// the best order would cost tightness, never soundness.
  private static double least(BoundAtOrder bound) {
    double low = LEAST;
    double high = MOST;
    double left = high - GOLDEN * (high - low);
    double right = low + GOLDEN * (high - low);
    double atLeft = bound.at(1 + Math.exp(left));
    double atRight = bound.at(1 + Math.exp(right));
    double best = Math.min(atLeft, atRight);
    while (high - low > PRECISION) {
      if (atLeft <= atRight) {
        high = right;
        right = left;
        atRight = atLeft;
        left = high - GOLDEN * (high - low);
        atLeft = bound.at(1 + Math.exp(left));
      } else {
        low = left;
        left = right;
        atLeft = atRight;
        right = low + GOLDEN * (high - low);
        atRight = bound.at(1 + Math.exp(right));
      }
      best = Math.min(best, Math.min(atLeft, atRight));
    }
    return best;
  }
}
