package dev.comity.accounting;

/// The distribution of the privacy loss L = ln(P(x)/Q(x)), x ∼ P, on a grid of multiples of
/// `interval` (Sommer, Meiser, Mohammadi 2019). Pessimistic: a mechanism with this distribution
/// leaks at least as much as the one that it stands for.
///
/// Mass that lies between two points of the grid is divided among them so that its probability
/// under P and its probability under Q are both kept. Under Q that spreads the likelihood ratio
/// without moving its mean, so every hockey-stick divergence can only grow; at the points of the
/// grid it is exact. This is the construction of Doroshenko et al. 2022 ("Connect the dots", arXiv
/// 2207.04380), and its error is of second order in `interval`.
final class PrivacyLossDistribution {
  /// The Gaussian's mass beyond this many standard deviations, both sides together, is 2.2e-21.
  private static final double CUT = 9.5;

  private static final double CUT_MASS = 2.2e-21;

  /// Nodes and weights of Gauss-Legendre quadrature with three points on [−1, 1].
  private static final double[] NODES = {-Math.sqrt(0.6), 0, Math.sqrt(0.6)};

  private static final double[] WEIGHTS = {5.0 / 9, 8.0 / 9, 5.0 / 9};

  private final double interval;
  private final long lowest;
  private final double[] mass;
  private final double infinity;

  /// `mass[i]` is at loss `(lowest + i)·interval`; `infinity` is the mass of infinite loss.
  PrivacyLossDistribution(double interval, long lowest, double[] mass, double infinity) {
    this.interval = interval;
    this.lowest = lowest;
    this.mass = mass;
    this.infinity = infinity;
  }

  /// Of two neighbouring data sets, which one is P.
  enum Direction {
    /// P has the record, Q does not.
    REMOVE,
    /// Q has the record, P does not.
    ADD
  }

  /// One step of the sampled Gaussian: with the record the output is (1 − q)·N(0, σ²) + q·N(1, σ²),
  /// without it N(0, σ²). Together the two directions dominate the mechanism (Zhu, Dong, Wang 2022,
  /// on dominating pairs under Poisson sampling).
  static PrivacyLossDistribution sampledGaussian(
      double sigma, double q, Direction direction, double interval) {
    double variance = sigma * sigma;
    double from = -CUT * sigma;
    double to = (direction == Direction.REMOVE ? 1 : 0) + CUT * sigma;
    double widest = Math.min(sigma, variance) / 16;
    long first = (long) Math.floor(logMixture(q, from, variance) / interval);
    long last = (long) Math.ceil(logMixture(q, to, variance) / interval);
    // mixture[i] is the mass whose ln((1 − q) + q·e^y) is (first + i)·interval
    double[] mixture = new double[Math.toIntExact(last - first + 1)];
    double normal = 1 / (sigma * Math.sqrt(2 * Math.PI));
    double whole = -Math.expm1(-interval);
    double left = from;
    for (long cell = first; cell < last && left < to; cell++) {
      double end = variance * SampledGaussian.logRatio(q, (cell + 1) * interval) + 0.5;
      double right = Math.min(to, Math.max(left, end));
      if (cell == last - 1) {
        right = to;
      }
      int panels = Math.max(1, (int) Math.ceil((right - left) / widest));
      double half = (right - left) / (2 * panels);
      double all = 0;
      double moved = 0;
      for (int panel = 0; panel < panels; panel++) {
        for (int node = 0; node < NODES.length; node++) {
          double x = left + half * (2 * panel + 1 + NODES[node]);
          double loss = logMixture(q, x, variance);
          double without = Math.exp(-x * x / (2 * variance));
          double m = half * WEIGHTS[node] * normal;
          double share; // of the mass, to the end of the cell where the loss is larger
          if (direction == Direction.REMOVE) {
            m *= (1 - q) * without + q * Math.exp(-(x - 1) * (x - 1) / (2 * variance));
            share = -Math.expm1(cell * interval - loss) / whole;
          } else {
            m *= without;
            share = -Math.expm1(loss - (cell + 1) * interval) / whole;
          }
          all += m;
          moved += m * Math.clamp(share, 0, 1);
        }
      }
      int i = (int) (cell - first);
      if (direction == Direction.REMOVE) {
        mixture[i + 1] += moved;
        mixture[i] += all - moved;
      } else {
        mixture[i] += moved;
        mixture[i + 1] += all - moved;
      }
      left = right;
    }
    if (direction == Direction.REMOVE) {
      return normalised(interval, first, mixture, CUT_MASS);
    }
    double[] reversed = new double[mixture.length];
    for (int i = 0; i < mixture.length; i++) {
      reversed[i] = mixture[mixture.length - 1 - i];
    }
    return normalised(interval, -last, reversed, CUT_MASS);
  }

  /// The loss that [#sampledGaussian] would spread its grid over, largest less smallest.
  static double range(double sigma, double q) {
    return logMixture(q, 1 + CUT * sigma, sigma * sigma)
        - logMixture(q, -CUT * sigma, sigma * sigma);
  }

  /// The discrete Gaussian on the integers with a shift of `sensitivity`. Adding and removing are
  /// the same, since it is symmetric.
  static PrivacyLossDistribution discreteGaussian(double sigma, long sensitivity, double interval) {
    long bound = discreteBound(sigma);
    DiscreteGaussian noise = new DiscreteGaussian(sigma, bound);
    long first = (long) Math.floor(noise.loss(bound, sensitivity) / interval);
    long last = (long) Math.floor(noise.loss(-bound, sensitivity) / interval) + 1;
    double[] mass = new double[Math.toIntExact(last - first + 1)];
    double whole = -Math.expm1(-interval);
    for (long x = -bound; x <= bound; x++) {
      double loss = noise.loss(x, sensitivity);
      long cell = Math.clamp((long) Math.floor(loss / interval), first, last - 1);
      double share = Math.clamp(-Math.expm1(cell * interval - loss) / whole, 0, 1);
      double m = noise.probability(x);
      mass[(int) (cell - first) + 1] += m * share;
      mass[(int) (cell - first)] += m - m * share;
    }
    return normalised(interval, first, mass, CUT_MASS);
  }

  /// The loss that [#discreteGaussian] would spread its grid over.
  static double discreteRange(double sigma, long sensitivity) {
    return 2 * discreteBound(sigma) * sensitivity / (sigma * sigma);
  }

  private static long discreteBound(double sigma) {
    return (long) Math.ceil(CUT * sigma) + 2;
  }

  private static double logMixture(double q, double x, double variance) {
    return SampledGaussian.logMixture(q, (2 * x - 1) / (2 * variance));
  }

  /// The quadrature is exact to about 1e-14; dividing by its sum keeps that from adding up over
  /// many steps.
  private static PrivacyLossDistribution normalised(
      double interval, long lowest, double[] mass, double infinity) {
    double sum = 0;
    for (double m : mass) {
      sum += m;
    }
    for (int i = 0; i < mass.length; i++) {
      mass[i] *= (1 - infinity) / sum;
    }
    return new PrivacyLossDistribution(interval, lowest, mass, infinity);
  }

  double interval() {
    return interval;
  }

  int size() {
    return mass.length;
  }

  double infinity() {
    return infinity;
  }

  double mass(int i) {
    return mass[i];
  }

  /// The grid index of `mass(0)`.
  long lowest() {
    return lowest;
  }

  long highest() {
    return lowest + mass.length - 1;
  }

  /// The mean of the finite losses.
  double mean() {
    double sum = 0;
    for (int i = 0; i < mass.length; i++) {
      sum += mass[i] * (lowest + i);
    }
    return sum * interval;
  }

  double variance() {
    double mean = mean();
    double sum = 0;
    for (int i = 0; i < mass.length; i++) {
      double deviation = (lowest + i) * interval - mean;
      sum += mass[i] * deviation * deviation;
    }
    return sum;
  }

  /// `ln E[e^(λL); L finite]` for λ > 0, summed from the bottom so that nothing overflows.
  double logMoment(double lambda) {
    double factor = Math.exp(-lambda * interval);
    double sum = 0;
    for (double m : mass) {
      sum = sum * factor + m;
    }
    return lambda * interval * highest() + Math.log(sum);
  }

  /// `ln E[e^(−λL); L finite]` for λ > 0.
  double logMomentOfNegative(double lambda) {
    double factor = Math.exp(-lambda * interval);
    double sum = 0;
    for (int i = mass.length - 1; i >= 0; i--) {
      sum = sum * factor + mass[i];
    }
    return -lambda * interval * lowest + Math.log(sum);
  }

  /// The hockey-stick divergence `δ(ε) = P[L = ∞] + E[(1 − e^(ε − L))₊]`.
  double delta(double epsilon) {
    double sum = infinity;
    for (int i = mass.length - 1; i >= 0; i--) {
      double loss = (lowest + i) * interval;
      if (loss <= epsilon) {
        break;
      }
      sum -= mass[i] * Math.expm1(epsilon - loss);
    }
    return Math.min(1, sum);
  }

  /// The smallest ε ≥ 0 with δ(ε) ≤ `delta`; infinite when the mass of infinite loss exceeds it.
  double epsilon(double delta) {
    if (infinity > delta) {
      return Double.POSITIVE_INFINITY;
    }
    // With ε between two points of the grid, δ(ε) = above − e^ε·weighted, where weighted is kept
    // relative to e^(−loss) of the lowest point above.
    double above = infinity;
    double weighted = 0;
    double factor = Math.exp(-interval);
    for (int i = mass.length - 1; i >= 0; i--) {
      double loss = (lowest + i) * interval;
      if (loss < 0) {
        break;
      }
      above += mass[i];
      weighted = weighted * factor + mass[i];
      double below = loss - interval;
      if (above - weighted * factor > delta) { // δ(below) is too much
        return Math.max(0, loss + Math.log((above - delta) / weighted));
      }
      if (below < 0) {
        break;
      }
    }
    return 0;
  }
}
