package dev.comity.plan;

import java.util.Optional;

/// The noise of a round under [Noise.Distributed], in units of the ring: what a plan is held
/// against, what a site draws, and what an accountant needs.
///
/// Every site adds discrete Gaussian noise of `variance` to each of the `dimension` coordinates of
/// its update block. The noise of any `contributors` of them has a standard deviation of at least
/// `noiseMultiplier · sensitivity`.
///
/// @param dimension coordinates of the update block, with the padding of its rotation
/// @param sensitivity the largest L2 norm of a site's encoded update, by [#sensitivity]
/// @param variance of one site's noise in one coordinate, whole and ≥ 16
/// @param contributors how many sites' noise is counted on, ≥ 1
public record DistributedNoise(
    long dimension, double sensitivity, long variance, int contributors) {
  /// The margin for noise, in standard deviations: `k_σ` of the range budget. A discrete Gaussian
  /// is subgaussian with its σ² (Canonne, Kamath, Steinke 2020), and so is a sum with the sum, so a
  /// coordinate exceeds it with probability below 2·e^−50.
  public static final double MARGIN = 10;

  /// β = e^−½, of rounding.
  public static final double BETA = StrictMath.exp(-0.5);

  /// A site's noise has at least this variance, so that sums of discrete Gaussians are all but
  /// discrete Gaussians.
  private static final long LEAST_VARIANCE = 16;

  /// Up to here a squared norm is a `long`.
  private static final double SENSITIVITY_LIMIT = 0x1p31;

  /// The noise of the terms' round.
  ///
  /// @throws IllegalArgumentException when the terms ask for no distributed noise
  public static DistributedNoise of(UpdateTerms terms) {
    if (!(terms.noise() instanceof Noise.Distributed noise)) {
      throw new IllegalArgumentException(
          "noise %s: not distributed, so the round adds none to the encoded updates"
              .formatted(terms.noise()));
    }
    VectorLayout layout = terms.vector();
    return new DistributedNoise(
        layout.block(VectorLayout.Kind.UPDATE).length(),
        layout.sensitivity(),
        layout.update().noiseVariance(),
        noise.contributors());
  }

  /// What stochastic rounding can make of an update of L2 norm `C`, in units of the ring: the root
  /// of `min{(SC + √d)², S²C² + d/4 + √(2 ln(1/β))·(SC + √d/2)}` (Kairouz, Liu, Steinke 2021,
  /// conditional randomized rounding). Rounding is repeated until it holds, which it does at once
  /// with probability at least `1 − β`; plans take [#BETA].
  ///
  /// @param scaledNorm `S·C`
  /// @param dimension `d`
  /// @param beta in [0, 1)
  public static double sensitivity(double scaledNorm, long dimension, double beta) {
    double root = Math.sqrt((double) dimension);
    double always = (scaledNorm + root) * (scaledNorm + root);
    double tail = Math.sqrt(-2 * StrictMath.log(beta)); // the same on every machine
    double nearly = scaledNorm * scaledNorm + dimension / 4.0 + tail * (scaledNorm + root / 2);
    return Math.sqrt(Math.min(always, nearly));
  }

  /// The standard deviation of one site's noise in one coordinate, in units of the ring.
  public double localDeviation() {
    return Math.sqrt((double) variance);
  }

  /// The standard deviation of the noise that is counted on, in units of the ring.
  public double deviation() {
    return Math.sqrt((double) contributors * variance);
  }

  /// The noise of an update of norm `norm` at `scale`; empty when it does not fit beside `nMax`
  /// coordinates of at most `largest` in a ring of `bits`.
  static Optional<DistributedNoise> fitting(
      Noise.Distributed noise,
      double norm,
      double scale,
      long dimension,
      Encoding ring,
      long largest) {
    double sensitivity = sensitivity(scale * norm, dimension, BETA);
    double deviation = noise.noiseMultiplier() * sensitivity;
    double variance = Math.ceil(deviation * deviation / noise.contributors());
    double reach = ring.nMax() * (double) largest + MARGIN * Math.sqrt(ring.nMax() * variance);
    if (!(sensitivity < SENSITIVITY_LIMIT && reach < Math.scalb(1.0, ring.bits() - 1))) {
      return Optional.empty();
    }
    return Optional.of(
        new DistributedNoise(dimension, sensitivity, (long) variance, noise.contributors()));
  }

  /// Refuses noise so narrow that its sums are no Gaussians.
  void requireWide(Noise.Distributed noise, Encoding ring) {
    if (variance < LEAST_VARIANCE) {
      throw new IllegalArgumentException(
          "noise.noiseMultiplier %s: each site's noise would have a deviation of %.2f units of the %d-bit ring, must be at least 4; raise encoding.bits or noise.noiseMultiplier, or lower encoding.nMax"
              .formatted(noise.noiseMultiplier(), localDeviation(), ring.bits()));
    }
  }
}
