package dev.comity.accounting;

/// The discrete Gaussian N_Z(0, σ²) restricted to the integers of [−bound, bound]: the probability
/// of x is proportional to exp(−x²/(2σ²)) (Canonne, Kamath, Steinke 2020, definition 1).
public final class DiscreteGaussian {
  private static final long MOST_BOUND = 1 << 24;

  private final double sigma;
  private final double[] probability; // of |x|

  /// @param sigma positive and finite; the standard deviation, nearly, when σ ≥ 1 and the bound is
  ///   wide
  /// @param bound 0 to 2^24
  public DiscreteGaussian(double sigma, long bound) {
    if (!(sigma > 0 && sigma < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException("sigma %s: must be > 0 and finite".formatted(sigma));
    }
    if (bound < 0 || bound > MOST_BOUND) {
      throw new IllegalArgumentException("bound %d: must be 0 to %d".formatted(bound, MOST_BOUND));
    }
    this.sigma = sigma;
    probability = new double[(int) bound + 1];
    double sum = 0;
    for (int x = (int) bound; x >= 0; x--) { // small terms first
      probability[x] = Math.exp(-0.5 * (x / sigma) * (x / sigma));
      sum += x == 0 ? 1 : 2 * probability[x];
    }
    for (int x = 0; x <= bound; x++) {
      probability[x] /= sum;
    }
  }

  /// P[X = x], 0 beyond the bound.
  public double probability(long x) {
    return x >= -bound() && x <= bound() ? probability[(int) Math.abs(x)] : 0;
  }

  /// P[X ≤ x].
  public double cumulative(long x) {
    if (x >= 0) {
      return 1 - above(x);
    }
    return above(-x - 1);
  }

  /// The hockey-stick divergence `Σ_x max(0, P[X = x] − e^ε·P[X + sensitivity = x])`, which is the
  /// δ of releasing one integer with this noise.
  ///
  /// @param epsilon any finite number
  /// @param sensitivity how far one unit moves the integer, ≥ 1
  public double delta(double epsilon, long sensitivity) {
    if (sensitivity < 1) {
      throw new IllegalArgumentException("sensitivity %d: must be >= 1".formatted(sensitivity));
    }
    double sum = 0;
    for (long x = -bound(); x <= bound(); x++) {
      if (x - sensitivity < -bound()) {
        sum += probability(x);
      } else {
        double loss = loss(x, sensitivity);
        sum += loss > epsilon ? -probability(x) * Math.expm1(epsilon - loss) : 0;
      }
    }
    return sum;
  }

  /// `ln(P[X = x]/P[X + sensitivity = x])`, bounds left aside: falls as x grows.
  double loss(long x, long sensitivity) {
    double s = sensitivity / sigma;
    return s * (0.5 * s - x / sigma);
  }

  private double above(long x) {
    double sum = 0;
    for (long i = bound(); i > x; i--) {
      sum += probability[(int) i];
    }
    return sum;
  }

  private long bound() {
    return probability.length - 1L;
  }
}
