package dev.comity.accounting;

/// Rényi divergences of integer noise, linear or nearly linear in the order.
final class ConcentratedDivergence {
  private ConcentratedDivergence() {}

  /// The correction of Kairouz, Liu, Steinke 2021 (arXiv 2102.06387, theorem 1 and proposition 14):
  /// `τ = 10·Σ_{k=1}^{n−1} exp(−2π²σ²·k/(k + 1))`, how far the sum of n discrete Gaussians of
  /// parameter σ is from one discrete Gaussian.
  static double tau(double sigma, int n) {
    double exponent = -2 * Math.PI * Math.PI * sigma * sigma;
    double sum = 0;
    for (int k = 1; k < n; k++) {
      sum += Math.exp(exponent * k / (k + 1.0));
    }
    return 10 * sum;
  }

  /// Proposition 14 of the same: with Δ² the squared sensitivity and s² = nσ², the divergence of
  /// order α ≥ 1 is at most the smaller of `α·Δ²/(2s²) + τ·d` and `(α/2)·(Δ/s + τ·√d)²`.
  static double ofSum(PrivacyEvent.DiscreteGaussianSum event, double order) {
    return Math.min(
        order * ratio(event) / 2 + tau(event) * event.dimension(), order * squareOfSum(event) / 2);
  }

  /// The ρ of zero-concentrated differential privacy (Bun, Steinke 2016): the smallest number that
  /// proposition 14 shows with a divergence of at most ρ·α for every α > 1, hence the smaller of
  /// `Δ²/(2s²) + τ·d` and `(Δ/s + τ·√d)²/2`.
  static double rhoOfSum(PrivacyEvent.DiscreteGaussianSum event) {
    return ofSum(event, 1);
  }

  /// Canonne, Kamath, Steinke 2020, theorem 4: ρ = Δ²/(2σ²), as for the continuous Gaussian.
  static double rho(PrivacyEvent.DiscreteGaussianInteger event) {
    double shift = event.sensitivity() / event.sigma();
    return shift * shift / 2;
  }

  private static double ratio(PrivacyEvent.DiscreteGaussianSum event) {
    return event.squaredSensitivity()
        / (event.contributors() * event.localSigma() * event.localSigma());
  }

  private static double squareOfSum(PrivacyEvent.DiscreteGaussianSum event) {
    double root = Math.sqrt(ratio(event)) + tau(event) * Math.sqrt(event.dimension());
    return root * root;
  }

  private static double tau(PrivacyEvent.DiscreteGaussianSum event) {
    return tau(event.localSigma(), event.contributors());
  }
}
