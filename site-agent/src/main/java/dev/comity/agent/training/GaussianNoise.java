package dev.comity.agent.training;

import dev.comity.update.RandomStream;
import dev.comity.update.TrainingKey;

/// Gaussian noise of one standard deviation σ, and its addition without what floating point would
/// tell (Mironov 2012): the result lies on the grid of multiples of γ, the power of two in (2⁻¹³σ,
/// 2⁻¹²σ], whatever the value was. So the possible results are the same for all data, and each has
/// nearly its exact probability, since a normal number here has some 2⁴⁰ values to each cell of the
/// grid, in the tails too. Rounding to the grid is post-processing of the Gaussian mechanism.
///
/// Two normal numbers come from three numbers of the stream (Box and Muller 1958). The uniform
/// number under the logarithm has 53 bits below its leading one, wherever that is from 2⁻¹ to 2⁻⁶⁵,
/// so that tails reach 9.4σ without gaps. Confined to one thread.
final class GaussianNoise {
  private static final int GRID_BITS = 12;
  private static final double LARGEST = 1e100;

  private final RandomStream random;
  private final double deviation;
  private final double grid;

  /// @param deviation σ, in [10⁻¹⁰⁰, 10¹⁰⁰]
  GaussianNoise(TrainingKey key, double deviation) {
    if (!(deviation >= 1 / LARGEST && deviation <= LARGEST)) {
      throw new IllegalArgumentException(
          "standard deviation %s of the noise: must be %s to %s; change noiseMultiplier or exampleClip"
              .formatted(deviation, 1 / LARGEST, LARGEST));
    }
    this.random = key.stream();
    this.deviation = deviation;
    this.grid = Math.scalb(1.0, Math.getExponent(deviation) - GRID_BITS);
  }

  /// Fills `noise` with that of step `step`: coordinate `i` is the same whatever the data.
  void draw(long step, double[] noise) {
    random.goTo(step);
    for (int i = 0; i < noise.length; i += 2) {
      double radius = deviation * StrictMath.sqrt(-2 * StrictMath.log(positive()));
      double angle = 2 * StrictMath.PI * random.nextUniform();
      noise[i] = radius * StrictMath.cos(angle);
      if (i + 1 < noise.length) {
        noise[i + 1] = radius * StrictMath.sin(angle);
      }
    }
  }

  /// `value + noise`, rounded to the grid. The whole cells of the value are taken out first, so
  /// that its size moves no boundary between cells.
  double add(double value, double noise) {
    double cells = Math.rint(value / grid);
    double rest = value - cells * grid;
    return (cells + Math.rint((rest + noise) / grid)) * grid;
  }

  /// Uniform in (0, 1) with full precision at any magnitude.
  private double positive() {
    int leadingZeros = Long.numberOfLeadingZeros(random.nextLong());
    double significand = 1 + ((random.nextLong() >>> 12) + 0.5) * 0x1p-52;
    return Math.scalb(significand, -leadingZeros - 1);
  }
}
