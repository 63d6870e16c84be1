package dev.comity.accounting;

import dev.comity.accounting.PrivacyEvent.DiscreteGaussianSum;
import dev.comity.accounting.PrivacyEvent.PoissonGaussian;
import java.util.Collection;
import java.util.List;
import java.util.function.DoubleFunction;

/// How much noise a budget needs, and how often a mechanism may run. The deciding accountant has
/// the last word; Rényi differential privacy, which is quick, finds where to start.
///
/// Both searches close a bracket by interpolating ln ε over the logarithm of what is sought, near
/// which it is almost straight; every third step bisects, so that they end in any case.
public final class Calibration {
  /// The noise found is at most this much, relatively, above the least that would do.
  public static final double PRECISION = 1e-4;

  private static final double ROUGH = 0.02;

  /// In integer units: with it, every multiplier from the least to the most is a σ that the event
  /// accepts.
  private static final double SENSITIVITY_OF_ONE = 1000;

  private Calibration() {}

  /// The smallest noise multiplier σ, to [#PRECISION], with which `steps` steps at `samplingRate`
  /// stay within `budget`.
  ///
  /// @throws IllegalArgumentException when no σ up to [PrivacyEvent#MOST_NOISE] does, or an
  ///   argument is out of [PoissonGaussian]'s range
  public static double noiseMultiplier(PrivacyBudget budget, double samplingRate, long steps) {
    return smallestNoise(
        sigma -> new PoissonGaussian(sigma, samplingRate, steps),
        PrivacyEvent.LEAST_NOISE,
        PrivacyEvent.MOST_NOISE,
        budget);
  }

  /// The smallest σ of one site's discrete Gaussian noise in integer units, to [#PRECISION], with
  /// which `rounds` sums stay within `budget`; the other arguments are those of
  /// [DiscreteGaussianSum].
  ///
  /// @throws IllegalArgumentException when no σ that the event accepts does, or an argument is out
  ///   of the event's range
  public static double localSigma(
      PrivacyBudget budget,
      int contributors,
      int dimension,
      double squaredSensitivity,
      long rounds) {
    double unit = Math.sqrt(squaredSensitivity / contributors);
    double within = 1e-12; // rounding must not step over the event's limits
    double least =
        Math.max(
            DiscreteGaussianSum.LEAST_LOCAL_SIGMA, PrivacyEvent.LEAST_NOISE * unit * (1 + within));
    double most =
        Math.min(
            DiscreteGaussianSum.MOST_LOCAL_SIGMA, PrivacyEvent.MOST_NOISE * unit * (1 - within));
    if (!(least <= most)) { // also refuses NaN
      throw new IllegalArgumentException(
          "squaredSensitivity %s over %d contributors: no local sigma from %s to %s suits it"
              .formatted(squaredSensitivity, contributors, least, most));
    }
    return smallestNoise(
        sigma ->
            new DiscreteGaussianSum(sigma, contributors, dimension, squaredSensitivity, rounds),
        least,
        most,
        budget);
  }

  /// The smallest central noise multiplier, to [#PRECISION], with which `rounds` sums of discrete
  /// Gaussian noise stay within `budget`: the standard deviation of the noise of `contributors`
  /// sites together, by the sensitivity of the sum.
  ///
  /// It does not depend on scale and dimension, which are known only once the noise is: where each
  /// site's σ is at least [DiscreteGaussianSum#LEAST_LOCAL_SIGMA], the correction for sums is far
  /// below the rounding of a double.
  ///
  /// @throws IllegalArgumentException when no multiplier up to [PrivacyEvent#MOST_NOISE] does, or
  ///   an argument is out of [DiscreteGaussianSum]'s range
  public static double sumNoiseMultiplier(PrivacyBudget budget, int contributors, long rounds) {
    double squaredSensitivity = SENSITIVITY_OF_ONE * SENSITIVITY_OF_ONE * contributors;
    return localSigma(budget, contributors, 1, squaredSensitivity, rounds) / SENSITIVITY_OF_ONE;
  }

  private static double smallestNoise(
      DoubleFunction<? extends PrivacyEvent> mechanism,
      double least,
      double most,
      PrivacyBudget budget) {
    Curve rough = noise -> epsilon(new RdpAccountant(), List.of(mechanism.apply(noise)), budget);
    Curve exact =
        noise -> epsilon(PrivacyAccountant.deciding(), List.of(mechanism.apply(noise)), budget);
    double enough = most;
    if (rough.at(most) <= budget.epsilon()) {
      enough = noise(rough, least, most, ROUGH, budget);
    }
    Point high = Point.on(exact, enough);
    if (high.epsilon > budget.epsilon()) {
      if (enough == most) {
        throw new IllegalArgumentException(
            "noise %s costs epsilon %s at delta %s: the budget allows %s; run less often, or sample less"
                .formatted(most, high.epsilon, budget.delta(), budget.epsilon()));
      }
      return noise(exact, enough, most, PRECISION, budget);
    }
    Point low = Point.on(exact, Math.max(least, enough / 1.2));
    while (low.epsilon <= budget.epsilon() && low.x > least) {
      high = low;
      low = Point.on(exact, Math.max(least, low.x / 1.5));
    }
    return noise(exact, low.x, high.x, PRECISION, budget);
  }

  private interface Curve {
    double at(double x);
  }

  private record Point(double x, double epsilon) {
    static Point on(Curve curve, double x) {
      return new Point(x, curve.at(x));
    }
  }

  private static double epsilon(
      PrivacyAccountant accountant,
      Collection<? extends PrivacyEvent> events,
      PrivacyBudget budget) {
    return accountant.epsilon(events, budget.delta()).epsilon();
  }

  /// A noise within the budget, at most `precision` above one that is not, unless it is `least`.
  private static double noise(
      Curve curve, double least, double most, double precision, PrivacyBudget budget) {
    Point low = Point.on(curve, least);
    if (low.epsilon <= budget.epsilon()) {
      return least;
    }
    Point high = Point.on(curve, most);
    boolean above = true;
    for (int i = 1; high.x / low.x > 1 + precision; i++) {
      double x = i % 3 == 0 ? Math.sqrt(low.x * high.x) : meet(low, high, budget);
      x *= above ? 1 + precision / 4 : 1 - precision / 4;
      double margin = 1 + precision / 8;
      Point next = Point.on(curve, Math.clamp(x, low.x * margin, high.x / margin));
      above = next.epsilon > budget.epsilon();
      if (above) {
        low = next;
      } else {
        high = next;
      }
    }
    return high.x;
  }

  /// Where the line through two points in logarithms meets the budget; halfway where one of them
  /// has no logarithm.
  private static double meet(Point low, Point high, PrivacyBudget budget) {
    double share = Math.log(budget.epsilon() / low.epsilon) / Math.log(high.epsilon / low.epsilon);
    return share >= 0 && share <= 1
        ? low.x * Math.pow(high.x / low.x, share)
        : (low.x + high.x) / 2;
  }
}
