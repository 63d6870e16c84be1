package dev.comity.accounting;

/// The Rényi divergence of the sampled Gaussian mechanism (Mironov, Talwar, Zhang 2019, arXiv
/// 1908.10530): with μ₀ the density of N(0, σ²) and μ that of (1 − q)·N(0, σ²) + q·N(1, σ²), it is
/// `ln(A_α)/(α − 1)` where `A_α = E_{z∼μ₀}[(μ(z)/μ₀(z))^α]`; A_α is the larger of the two
/// directions, as the paper proves, so this covers add and remove.
final class SampledGaussian {
  /// A term this much smaller than the largest, in logarithms, is below a double's precision.
  private static final double NEGLIGIBLE = 60;

  /// Standard deviations of μ₀ that are integrated to the left of 0: beyond, less than 1e-22 of A_α
  /// ≥ 1 is left, since μ/μ₀ < 1 there.
  private static final double LEFT = 10;

  private SampledGaussian() {}

  /// @param order α > 1
  /// @return ≥ 0, per step
  static double divergence(double sigma, double q, double order) {
    if (q == 1) {
      return order / (2 * sigma * sigma);
    }
    double logA =
        order == Math.rint(order)
            ? logAInteger(sigma, q, (long) order)
            : logAFractional(sigma, q, order);
    return Math.max(0, logA) / (order - 1);
  }

  /// Section 3.3, the binomial sum: `A_α = Σ_k C(α, k)·(1 − q)^(α − k)·q^k·exp((k² − k)/(2σ²))`.
  /// All terms are positive; they are added relative to the largest so far.
  static double logAInteger(double sigma, double q, long order) {
    double logQ = Math.log(q);
    double logRest = Math.log1p(-q);
    double logBinomial = 0;
    LogSum sum = new LogSum();
    for (long k = 0; k <= order; k++) {
      if (k > 0) {
        logBinomial += Math.log((double) (order - k + 1) / k);
      }
      sum.add(
          logBinomial
              + k * logQ
              + (order - k) * logRest
              + (double) k * (k - 1) / (2 * sigma * sigma));
    }
    return sum.value();
  }

  /// The defining integral by the trapezoidal rule, for any α > 1. The integrand is analytic within
  /// πσ² of the real line (there the ratio has its nearest zero) and decays like a Gaussian, so the
  /// error falls like exp(−2π²σ·min(σ, 1)/h) relative to the result (Trefethen, Weideman 2014,
  /// theorem 5.1); the series of section 3.3 of the paper converges only like a power there.
  static double logAFractional(double sigma, double q, double order) {
    double step = sigma * Math.min(sigma, 1) / 20;
    double variance = sigma * sigma;
    LogSum sum = new LogSum();
    for (long i = -(long) Math.ceil(LEFT * sigma / step); ; i++) {
      double z = i * step;
      double logMixture = logMixture(q, (2 * z - 1) / (2 * variance));
      double term = order * logMixture - z * z / (2 * variance);
      sum.add(term);
      // Beyond z = α the terms fall for good: the slope is (α·w − z)/σ² with a weight w < 1.
      if (z > order && term < sum.value() - NEGLIGIBLE) {
        return sum.value() + Math.log(step) - Math.log(sigma) - 0.5 * Math.log(2 * Math.PI);
      }
    }
  }

  /// `ln(1 − q + q·e^y)`, the logarithm of a mixture's density over that of its first part when the
  /// second has e^y times the density of the first. Accurate for every q in (0, 1] and finite y.
  static double logMixture(double q, double y) {
    if (q == 1) {
      return y;
    }
    return y <= 0 ? Math.log1p(q * Math.expm1(y)) : y + Math.log1p((1 - q) * Math.expm1(-y));
  }

  /// The inverse of [#logMixture] in y; minus infinity where no y reaches `logMixture`.
  static double logRatio(double q, double logMixture) {
    if (q == 1) {
      return logMixture;
    }
    double logRest = Math.log1p(-q);
    if (logMixture <= logRest) {
      return Double.NEGATIVE_INFINITY;
    }
    return logMixture < 1
        ? Math.log1p(Math.expm1(logMixture) / q)
        : logMixture - Math.log(q) + Math.log(-Math.expm1(logRest - logMixture));
  }

  /// A sum of positive numbers given by their logarithms.
  private static final class LogSum {
    private double largest = Double.NEGATIVE_INFINITY;
    private double scaled;

    void add(double logarithm) {
      if (logarithm > largest) {
        scaled = scaled * Math.exp(largest - logarithm) + 1;
        largest = logarithm;
      } else {
        scaled += Math.exp(logarithm - largest);
      }
    }

    double value() {
      return largest + Math.log(scaled);
    }
  }
}
