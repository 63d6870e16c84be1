package dev.comity.accounting;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.comity.accounting.PrivacyEvent.DiscreteGaussianInteger;
import dev.comity.accounting.PrivacyEvent.DiscreteGaussianSum;
import dev.comity.accounting.PrivacyEvent.Gaussian;
import dev.comity.accounting.PrivacyEvent.PoissonGaussian;
import dev.comity.accounting.PrivacyLossDistribution.Direction;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PldAccountantTest {
  private final PldAccountant pld = new PldAccountant();
  private final RdpAccountant rdp = new RdpAccountant();

  /// Balle, Wang 2018, theorem 8: `Φ(μ/2 − ε/μ) − e^ε·Φ(−μ/2 − ε/μ)` with μ = 1/σ.
  private static double gaussianDelta(double mu, double epsilon) {
    return normal(mu / 2 - epsilon / mu) - Math.exp(epsilon) * normal(-mu / 2 - epsilon / mu);
  }

  /// Φ by Simpson's rule.
  private static double normal(double x) {
    int n = 20_000;
    double from = -40;
    double h = (x - from) / n;
    double sum = 0;
    for (int i = 0; i <= n; i++) {
      double z = from + i * h;
      double weight = i == 0 || i == n ? 1 : i % 2 == 1 ? 4 : 2;
      sum += weight * Math.exp(-z * z / 2);
    }
    return sum * h / 3 / Math.sqrt(2 * Math.PI);
  }

  @ParameterizedTest
  @CsvSource({
    "1.5, 0.04, 2250, 1e-5, 6.768787",
    "0.4, 0.01, 1000, 1e-5, 27.718634",
    "1, 0.01, 100000, 1e-5, 25.573273",
    "20, 0.5, 10000, 1e-6, 14.463746",
    "1, 0.9, 100, 1e-5, 80.468668"
  })
  void agreesWithAnotherImplementation(
      double sigma, double q, long steps, double delta, double byDpAccounting) {
    // Computed with Google's dp_accounting 0.6.0, which connects the dots at 1e-4.
    assertThat(pld.epsilon(List.of(new PoissonGaussian(sigma, q, steps)), delta).epsilon())
        .isCloseTo(byDpAccounting, within(1e-5));
  }

  @ParameterizedTest
  @CsvSource({"3, 1e-4", "5, 1e-3", "20, 2e-3", "2, 0.1", "1, 0.5"})
  void composingGaussiansStepByStepNeverShowsLessThanTheExactLoss(double sigma, double interval) {
    var one = PrivacyLossDistribution.sampledGaussian(sigma, 1, Direction.REMOVE, interval);
    for (long times : new long[] {1, 2, 7, 64, 1000}) {
      double mu = Math.sqrt(times) / sigma;
      var composed = new PldComposition(Map.of(one, times)).compose();
      for (double deviations : new double[] {-1, 0, 0.5, 1, 2, 3, 4, 5}) {
        double epsilon = Math.max(0, mu * mu / 2 + deviations * mu);

        double exact = gaussianDelta(mu, epsilon);

        assertThat(composed.delta(epsilon)).isGreaterThanOrEqualTo(exact - 1e-13);
        if (interval * sigma <= 0.01) { // at least a hundred points for a deviation
          assertThat(composed.delta(epsilon)).isLessThanOrEqualTo(exact * (1 + 1e-3) + 1e-12);
        }
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"0.5, 0.2", "1, 0.01", "3, 0.9", "1.5, 0.001"})
  void oneSampledStepIsExactAtThePointsOfTheGrid(double sigma, double q) {
    double interval = 1e-3;
    var remove = PrivacyLossDistribution.sampledGaussian(sigma, q, Direction.REMOVE, interval);
    var add = PrivacyLossDistribution.sampledGaussian(sigma, q, Direction.ADD, interval);
    for (int point = 0; point < 3000; point += 75) {
      double epsilon = point * interval;
      // The mixture exceeds e^ε times the normal to the right of x.
      double x = sigma * sigma * Math.log(Math.expm1(epsilon) / q + 1) + 0.5;
      double above = 1 - normal((x - 1) / sigma);
      double base = 1 - normal(x / sigma);
      double deltaRemove = (1 - q) * base + q * above - Math.exp(epsilon) * base;

      assertThat(remove.delta(epsilon)).isCloseTo(deltaRemove, within(1e-11));

      double rest = Math.expm1(-epsilon) / q + 1;
      double deltaAdd = 0;
      if (rest > 0) { // the normal exceeds e^ε times the mixture to the left of x
        double left = sigma * sigma * Math.log(rest) + 0.5;
        double baseLeft = normal(left / sigma);
        double mixtureLeft = (1 - q) * baseLeft + q * normal((left - 1) / sigma);
        deltaAdd = baseLeft - Math.exp(epsilon) * mixtureLeft;
      }

      assertThat(add.delta(epsilon)).isCloseTo(deltaAdd, within(1e-11));
    }
  }

  @Test
  void aCoarserGridOnlyOverstates() {
    double fine = 0;
    for (double interval : new double[] {1e-3, 1e-2, 0.1, 0.5}) {
      var one = PrivacyLossDistribution.sampledGaussian(1, 0.2, Direction.REMOVE, interval);
      double epsilon = new PldComposition(Map.of(one, 50L)).compose().epsilon(1e-5);

      assertThat(epsilon).isGreaterThan(fine);
      fine = epsilon;
    }
  }

  @Test
  void theTransformComposesAsTheDefinitionDoes() {
    double[] a = {0.25, 0.25, 0.5};
    double[] b = {0.5, 0, 0, 0.49};
    Map<PrivacyLossDistribution, Long> runs = new LinkedHashMap<>();
    runs.put(new PrivacyLossDistribution(0.5, -1, a, 0), 3L);
    runs.put(new PrivacyLossDistribution(0.5, 2, b, 0.01), 2L);

    var composed = new PldComposition(runs).compose();

    double[] expected = {1};
    for (double[] factor : List.of(a, a, a, b, b)) {
      double[] next = new double[expected.length + factor.length - 1];
      for (int i = 0; i < expected.length; i++) {
        for (int j = 0; j < factor.length; j++) {
          next[i + j] += expected[i] * factor[j];
        }
      }
      expected = next;
    }
    assertThat(composed.lowest()).isEqualTo(3 * -1 + 2 * 2);
    assertThat(composed.size()).isEqualTo(expected.length);
    for (int i = 0; i < expected.length; i++) {
      assertThat(composed.mass(i)).isCloseTo(expected[i], within(1e-15));
    }
    assertThat(composed.infinity()).isCloseTo(1 - 0.99 * 0.99, within(1e-13));
  }

  @Test
  void itNeverShowsMoreThanRenyiDifferentialPrivacy() {
    long seed = 20260517;
    Random random = new Random(seed);
    for (int i = 0; i < 12; i++) {
      double sigma = Math.exp(random.nextDouble(Math.log(0.5), Math.log(8)));
      double q = Math.exp(random.nextDouble(Math.log(1e-4), 0));
      long steps = (long) Math.exp(random.nextDouble(0, Math.log(5000)));
      double delta = Math.exp(random.nextDouble(Math.log(1e-9), Math.log(1e-3)));
      var events = List.of(new PoissonGaussian(sigma, q, steps));

      assertThat(pld.epsilon(events, delta).epsilon())
          .as("seed %d: %s at %s", seed, events, delta)
          .isLessThanOrEqualTo(rdp.epsilon(events, delta).epsilon());
    }
  }

  @Test
  void deltaAndEpsilonAreEachOthersInverse() {
    var events = List.of(new PoissonGaussian(1.2, 0.02, 800), new PoissonGaussian(2, 0.1, 10));

    double epsilon = pld.epsilon(events, 1e-6).epsilon();

    assertThat(pld.delta(events, epsilon)).isCloseTo(1e-6, within(1e-12));
    assertThat(pld.delta(events, epsilon * 0.999)).isGreaterThan(1e-6);
  }

  @Test
  void differentMechanismsComposeToMoreThanEachAlone() {
    var sampled = new PoissonGaussian(1, 0.01, 1000);
    var whole = new Gaussian(10, 4);
    var count = new DiscreteGaussianInteger(20, 1, 3);

    double all = pld.epsilon(List.of(sampled, whole, count), 1e-6).epsilon();

    assertThat(all)
        .isGreaterThan(pld.epsilon(List.of(sampled, whole), 1e-6).epsilon())
        .isLessThan(rdp.epsilon(List.of(sampled, whole, count), 1e-6).epsilon());
  }

  @Test
  void oneIntegerIsAsTheDiscreteGaussianItself() {
    for (double epsilon : new double[] {0, 0.1, 0.5, 1}) {
      double exact = new DiscreteGaussian(10, 200).delta(epsilon, 3);

      assertThat(pld.delta(List.of(new DiscreteGaussianInteger(10, 3, 1)), epsilon))
          .isCloseTo(exact, Percentage.withPercentage(1e-3))
          .isGreaterThanOrEqualTo(exact);
    }
  }

  @Test
  void belowItsFloorItShowsNothing() {
    assertThat(pld.epsilon(List.of(new PoissonGaussian(1, 0.01, 100_000)), 1e-13).epsilon())
        .isInfinite();
  }

  @Test
  void theNoiseOfASumIsNotItsBusiness() {
    assertThatThrownBy(() -> pld.epsilon(List.of(new DiscreteGaussianSum(10, 5, 10, 100, 1)), 1e-5))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("PldAccountant does not account for DiscreteGaussianSum");
  }
}
