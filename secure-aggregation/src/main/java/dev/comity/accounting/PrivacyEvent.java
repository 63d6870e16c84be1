package dev.comity.accounting;

/// What was done with a data set, in terms that stay true whichever accountant reads them later. A
/// book stores events, never ε.
///
/// All events that are composed protect the same unit (one record, or one site) under the same
/// neighbouring relation, add or remove one unit; whoever writes a book sees to that.
public sealed interface PrivacyEvent {
  /// Noise below this multiple of the sensitivity protects nobody and is refused.
  double LEAST_NOISE = 0.1;

  /// Noise above this multiple of the sensitivity is refused as a mistake.
  double MOST_NOISE = 1e6;

  /// The most repetitions of one mechanism in one event.
  long MOST_TIMES = 1_000_000_000;

  /// How often the mechanism ran, 1 to [#MOST_TIMES].
  long times();

  /// The same mechanism, run `times` times.
  PrivacyEvent withTimes(long times);

  /// One step of DP-SGD, `steps` times (Abadi et al. 2016; Mironov, Talwar, Zhang 2019, the sampled
  /// Gaussian mechanism): every record enters the batch independently with probability
  /// `samplingRate`, its gradient is clipped to norm C, and N(0, (noiseMultiplier·C)²) is added to
  /// each coordinate of the sum.
  ///
  /// @param noiseMultiplier σ, in multiples of the sensitivity C, [#LEAST_NOISE] to [#MOST_NOISE]
  /// @param samplingRate q, in (0, 1]
  /// @param steps 1 to [#MOST_TIMES]
  record PoissonGaussian(double noiseMultiplier, double samplingRate, long steps)
      implements PrivacyEvent {
    public PoissonGaussian {
      requireNoise("noiseMultiplier", noiseMultiplier);
      if (!(samplingRate > 0 && samplingRate <= 1)) {
        throw new IllegalArgumentException(
            "samplingRate %s: must be in (0, 1]".formatted(samplingRate));
      }
      requireTimes("steps", steps);
    }

    @Override
    public long times() {
      return steps;
    }

    @Override
    public PoissonGaussian withTimes(long times) {
      return new PoissonGaussian(noiseMultiplier, samplingRate, times);
    }
  }

  /// The Gaussian mechanism over all records, `count` times.
  ///
  /// @param noiseMultiplier σ in multiples of the L2 sensitivity, [#LEAST_NOISE] to [#MOST_NOISE]
  /// @param count 1 to [#MOST_TIMES]
  record Gaussian(double noiseMultiplier, long count) implements PrivacyEvent {
    public Gaussian {
      requireNoise("noiseMultiplier", noiseMultiplier);
      requireTimes("count", count);
    }

    @Override
    public long times() {
      return count;
    }

    @Override
    public Gaussian withTimes(long times) {
      return new Gaussian(noiseMultiplier, times);
    }
  }

  /// One integer, such as a count, released with discrete Gaussian noise (Canonne, Kamath, Steinke
  /// 2020, definition 1), `count` times.
  ///
  /// @param sigma the distribution's parameter σ in integer units; σ/sensitivity is [#LEAST_NOISE]
  ///   to [#MOST_NOISE]
  /// @param sensitivity how far one unit moves the integer, 1 to 2^31
  /// @param count 1 to [#MOST_TIMES]
  record DiscreteGaussianInteger(double sigma, long sensitivity, long count)
      implements PrivacyEvent {
    public DiscreteGaussianInteger {
      if (sensitivity < 1 || sensitivity > 1L << 31) {
        throw new IllegalArgumentException(
            "sensitivity %d: must be 1 to 2^31".formatted(sensitivity));
      }
      requireNoise("sigma / sensitivity", sigma / sensitivity);
      requireTimes("count", count);
    }

    @Override
    public long times() {
      return count;
    }

    @Override
    public DiscreteGaussianInteger withTimes(long times) {
      return new DiscreteGaussianInteger(sigma, sensitivity, times);
    }
  }

  /// An integer vector summed over sites, each of which adds discrete Gaussian noise to every
  /// coordinate (Kairouz, Liu, Steinke 2021), `count` times.
  ///
  /// @param localSigma the parameter σ of one site's noise in integer units, [#LEAST_LOCAL_SIGMA]
  ///   to 1e9
  /// @param contributors how many noises the reader of the sum is certain not to know: of m
  ///   survivors m − max(n_C, 1), since a contributor knows its own; 1 to 100,000
  /// @param dimension d ≥ 1, the coordinates that carry noise, after padding
  /// @param squaredSensitivity the squared L2 norm, in integer units, by which one unit moves the
  ///   sum, rounding included; positive and finite
  /// @param count 1 to [#MOST_TIMES]
  record DiscreteGaussianSum(
      double localSigma, int contributors, int dimension, double squaredSensitivity, long count)
      implements PrivacyEvent {
    /// Below this the sum of discrete Gaussians is too far from a discrete Gaussian.
    public static final double LEAST_LOCAL_SIGMA = 4;

    /// Above this the noise would not fit into the sum.
    public static final double MOST_LOCAL_SIGMA = 1e9;

    private static final int MOST_CONTRIBUTORS = 100_000;

    public DiscreteGaussianSum {
      if (!(localSigma >= LEAST_LOCAL_SIGMA && localSigma <= MOST_LOCAL_SIGMA)) {
        throw new IllegalArgumentException(
            "localSigma %s integer units: must be %s to %s; use a finer scale"
                .formatted(localSigma, LEAST_LOCAL_SIGMA, MOST_LOCAL_SIGMA));
      }
      if (contributors < 1 || contributors > MOST_CONTRIBUTORS) {
        throw new IllegalArgumentException(
            "contributors %d: must be 1 to %d".formatted(contributors, MOST_CONTRIBUTORS));
      }
      if (dimension < 1) {
        throw new IllegalArgumentException("dimension %d: must be >= 1".formatted(dimension));
      }
      if (!(squaredSensitivity > 0)) { // also refuses NaN
        throw new IllegalArgumentException(
            "squaredSensitivity %s: must be > 0 and finite".formatted(squaredSensitivity));
      }
      requireNoise(
          "central sigma / sensitivity",
          localSigma * Math.sqrt(contributors) / Math.sqrt(squaredSensitivity));
      requireTimes("count", count);
    }

    @Override
    public long times() {
      return count;
    }

    @Override
    public DiscreteGaussianSum withTimes(long times) {
      return new DiscreteGaussianSum(
          localSigma, contributors, dimension, squaredSensitivity, times);
    }
  }

  private static void requireNoise(String name, double noise) {
    if (!(noise >= LEAST_NOISE && noise <= MOST_NOISE)) {
      throw new IllegalArgumentException(
          "%s %s: must be %s to %s".formatted(name, noise, LEAST_NOISE, MOST_NOISE));
    }
  }

  private static void requireTimes(String name, long times) {
    if (times < 1 || times > MOST_TIMES) {
      throw new IllegalArgumentException(
          "%s %d: must be 1 to %d".formatted(name, times, MOST_TIMES));
    }
  }
}
