package dev.comity.accounting;

import java.util.Arrays;
import java.util.Map;

/// Composes privacy loss distributions on one grid: the losses of independent runs add up, so their
/// transforms multiply (Koskela, Jälkö, Honkela 2020).
///
/// The sum is computed modulo a window of the grid. By Chernoff's bound at most [#TAIL] of its mass
/// lies above the window and as much below. What lies above would come in again at the bottom, so
/// that much is added to the infinite losses; what lies below comes in at the top, which only
/// overstates. Rounding of the powers, a few 2^-53 for each run relative to the whole mass, is
/// allowed for in the infinite losses too.
final class PldComposition {
  static final double TAIL = 1e-15;

  private final Map<PrivacyLossDistribution, Long> runs;
  private final double interval;

  /// @param runs at least one distribution, all of one interval, each with its number of runs ≥ 1
  PldComposition(Map<PrivacyLossDistribution, Long> runs) {
    this.runs = runs;
    interval = runs.keySet().iterator().next().interval();
  }

  /// How many points of the grid the window has.
  long points() {
    return upper() - lower() + 1;
  }

  /// The standard deviation of one run, in the quadratic mean over all runs.
  double deviation() {
    long total = runs.values().stream().mapToLong(Long::longValue).sum();
    return Math.sqrt(variance() / total);
  }

  /// @throws ArithmeticException when the window has more than 2^30 points
  PrivacyLossDistribution compose() {
    long lowest = lower();
    int points = Math.toIntExact(upper() - lowest + 1);
    int length = Math.multiplyExact(2, Integer.highestOneBit(Math.max(1, points - 1)));
    Fourier fourier = new Fourier(length);
    double[] real = new double[length];
    double[] imaginary = new double[length];
    Arrays.fill(real, 1);
    double logFinite = 0;
    long total = 0;
    long offset = 0;
    for (var run : runs.entrySet()) {
      PrivacyLossDistribution one = run.getKey();
      long times = run.getValue();
      // Centred, the phases are small where the transform is large, and so are their errors.
      long centre = Math.round(one.mean() / interval);
      double[] re = new double[length];
      double[] im = new double[length];
      for (int i = 0; i < one.size(); i++) {
        re[(int) Math.floorMod(one.lowest() + i - centre, (long) length)] += one.mass(i);
      }
      fourier.forward(re, im);
      multiplyByPower(real, imaginary, re, im, times);
      logFinite += times * Math.log1p(-one.infinity());
      total += times;
      offset = Math.addExact(offset, Math.multiplyExact(times, centre));
    }
    fourier.inverse(real, imaginary);
    double[] mass = new double[points];
    for (int i = 0; i < points; i++) {
      mass[i] = Math.max(0, real[(int) Math.floorMod(lowest + i - offset, (long) length)]);
    }
    double infinity = -Math.expm1(logFinite) + TAIL + (total + 64) * Math.ulp(1.0);
    return new PrivacyLossDistribution(interval, lowest, mass, infinity);
  }

  /// The transforms of real vectors have conjugate halves, so one half is computed.
  private static void multiplyByPower(
      double[] real, double[] imaginary, double[] re, double[] im, long times) {
    int length = real.length;
    for (int k = 0; k <= length / 2; k++) {
      double power = Math.pow(re[k] * re[k] + im[k] * im[k], times / 2.0);
      double a = 0;
      double b = 0;
      if (power > 0) {
        double angle = times * Math.atan2(im[k], re[k]);
        a = power * Math.cos(angle);
        b = power * Math.sin(angle);
      }
      double product = real[k] * a - imaginary[k] * b;
      imaginary[k] = real[k] * b + imaginary[k] * a;
      real[k] = product;
      if (k > 0 && k < length / 2) {
        real[length - k] = real[k];
        imaginary[length - k] = -imaginary[k];
      }
    }
  }

  /// The smallest grid index that Chernoff's bound shows to be exceeded with at most [#TAIL].
  private long upper() {
    long most = 0;
    for (var run : runs.entrySet()) {
      most = Math.addExact(most, Math.multiplyExact(run.getValue(), run.getKey().highest()));
    }
    double bound = chernoff(PrivacyLossDistribution::logMoment);
    return Math.min(most, (long) Math.ceil(bound / interval));
  }

  private long lower() {
    long least = 0;
    for (var run : runs.entrySet()) {
      least = Math.addExact(least, Math.multiplyExact(run.getValue(), run.getKey().lowest()));
    }
    double bound = chernoff(PrivacyLossDistribution::logMomentOfNegative);
    return Math.max(least, (long) Math.floor(-bound / interval));
  }

  private double variance() {
    double variance = 0;
    for (var run : runs.entrySet()) {
      variance += run.getValue() * run.getKey().variance();
    }
    return variance;
  }

  private interface LogMoment {
    double at(PrivacyLossDistribution losses, double lambda);
  }

  /// `min_λ (ln E[e^(λ·sum)] − ln TAIL)/λ`, nearly. Every λ > 0 gives a valid bound; starting where
  /// a normal sum would have its best, this walks downhill in ever smaller steps.
  private double chernoff(LogMoment logMoment) {
    double lambda = Math.sqrt(-2 * Math.log(TAIL) / variance());
    double best = bound(logMoment, lambda);
    for (double step = 2; step > 1.05; step = Math.sqrt(step)) {
      for (double factor : new double[] {step, 1 / step}) {
        double next = bound(logMoment, lambda * factor);
        while (next < best) {
          best = next;
          lambda *= factor;
          next = bound(logMoment, lambda * factor);
        }
      }
    }
    return best;
  }

  private double bound(LogMoment logMoment, double lambda) {
    double sum = -Math.log(TAIL);
    for (var run : runs.entrySet()) {
      sum += run.getValue() * logMoment.at(run.getKey(), lambda);
    }
    return sum / lambda;
  }
}
