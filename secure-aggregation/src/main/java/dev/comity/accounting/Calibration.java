package dev.comity.accounting;

import dev.comity.accounting.PrivacyEvent.DiscreteGaussianSum;
import dev.comity.accounting.PrivacyEvent.PoissonGaussian;
import java.util.ArrayList;
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

  /// The largest number of further runs of `mechanism` after `spent` that stays within `budget`: 0
  /// when not even one does, at most [PrivacyEvent#MOST_TIMES].
  ///
  /// @param mechanism its own number of runs is of no account
  public static long mostTimes(
      Collection<? extends PrivacyEvent> spent, PrivacyEvent mechanism, PrivacyBudget budget) {
    Curve rough = times -> epsilon(new RdpAccountant(), after(spent, mechanism, times), budget);
    Curve exact =
        times -> epsilon(PrivacyAccountant.deciding(), after(spent, mechanism, times), budget);
    long start = Math.max(1, times(rough, 1, budget));
    return times(exact, start, budget);
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

  private static List<PrivacyEvent> after(
      Collection<? extends PrivacyEvent> spent, PrivacyEvent mechanism, double times) {
    List<PrivacyEvent> events = new ArrayList<>(spent);
    events.add(mechanism.withTimes((long) times));
    return events;
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

  /// The largest whole number within the budget, searched for from `start` upward or downward.
  private static long times(Curve curve, long start, PrivacyBudget budget) {
    Point low = new Point(0, 0);
    Point high = Point.on(curve, start);
    while (high.epsilon <= budget.epsilon()) {
      if (high.x == PrivacyEvent.MOST_TIMES) {
        return PrivacyEvent.MOST_TIMES;
      }
      low = high;
      high = Point.on(curve, Math.min(PrivacyEvent.MOST_TIMES, Math.ceil(high.x * 1.25)));
    }
    boolean above = false;
    for (int i = 1; high.x - low.x > 1; i++) {
      double x = Math.floor(i % 3 == 0 ? (low.x + high.x) / 2 : meet(low, high, budget));
      Point next = Point.on(curve, Math.clamp(above ? x + 1 : x, low.x + 1, high.x - 1));
      above = next.epsilon <= budget.epsilon();
      if (above) {
        low = next;
      } else {
        high = next;
      }
    }
    return (long) low.x;
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
