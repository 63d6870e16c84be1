package dev.comity.accounting;

/// From Rényi differential privacy to (ε, δ).
///
/// A mechanism with Rényi divergence at most r of order α > 1 is (ε, δ)-DP for `ε = r + ln(1 − 1/α)
/// − ln(δ·α)/(α − 1)` (Canonne, Kamath, Steinke 2020, proposition 12; also Balle et al. 2020,
/// theorem 21), and for ε = 0 with `δ = √(1 − e^(−r))`, since r bounds the Kullback-Leibler
/// divergence (Bretagnolle, Huber 1979).
final class RenyiConversion {
  /// Below this order the first bound is ill-conditioned, and it is never the best there.
  private static final double LEAST_ORDER = 1.01;

  private RenyiConversion() {}

  /// ≥ 0, perhaps infinite. `divergence` ≥ 0 may be infinite.
  static double epsilon(double order, double divergence, double delta) {
    if (delta * delta + Math.expm1(-divergence) >= 0) {
      return 0;
    }
    if (order < LEAST_ORDER) {
      return Double.POSITIVE_INFINITY;
    }
    double epsilon =
        divergence + Math.log1p(-1 / order) - (Math.log(delta) + Math.log(order)) / (order - 1);
    return Math.max(0, epsilon);
  }

  /// In [0, 1].
  static double delta(double order, double divergence, double epsilon) {
    double logDelta = 0.5 * Math.log(-Math.expm1(-divergence));
    if (order >= LEAST_ORDER) {
      logDelta =
          Math.min(
              logDelta,
              (order - 1) * (divergence - epsilon + Math.log1p(-1 / order)) - Math.log(order));
    }
    return Math.min(1, Math.exp(logDelta));
  }
}
