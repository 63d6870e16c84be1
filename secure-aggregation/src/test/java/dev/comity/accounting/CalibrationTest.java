package dev.comity.accounting;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.comity.accounting.PrivacyEvent.DiscreteGaussianSum;
import dev.comity.accounting.PrivacyEvent.PoissonGaussian;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CalibrationTest {
  private final PrivacyAccountant accountant = PrivacyAccountant.deciding();

  @ParameterizedTest
  @CsvSource({"2, 1e-5, 0.01, 1000", "0.5, 1e-6, 1, 1", "8, 1e-5, 0.2, 60"})
  void theNoiseKeepsTheBudgetAndATenThousandthLessWouldNot(
      double epsilon, double delta, double q, long steps) {
    PrivacyBudget budget = new PrivacyBudget(epsilon, delta);

    double sigma = Calibration.noiseMultiplier(budget, q, steps);

    assertThat(budget.covers(loss(new PoissonGaussian(sigma, q, steps), delta))).isTrue();
    double less = sigma / (1 + 1.01 * Calibration.PRECISION);
    assertThat(budget.covers(loss(new PoissonGaussian(less, q, steps), delta))).isFalse();
  }

  @Test
  void aBudgetThatAnyNoiseKeepsGetsTheLeast() {
    assertThat(Calibration.noiseMultiplier(new PrivacyBudget(1000, 0.1), 0.01, 1))
        .isEqualTo(PrivacyEvent.LEAST_NOISE);
  }

  @Test
  void aBudgetThatNoNoiseKeepsIsRefused() {
    assertThatThrownBy(
            () -> Calibration.noiseMultiplier(new PrivacyBudget(1e-6, 1e-9), 1, 1_000_000_000))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("noise 1000000.0 costs epsilon")
        .hasMessageEndingWith("the budget allows 1.0E-6; run less often, or sample less");
  }

  @Test
  void theNoiseOfASumKeepsTheBudgetAndATenThousandthLessWouldNot() {
    PrivacyBudget budget = new PrivacyBudget(8, 1e-5);

    double sigma = Calibration.localSigma(budget, 5, 1 << 20, 1e8, 100);

    assertThat(budget.covers(loss(new DiscreteGaussianSum(sigma, 5, 1 << 20, 1e8, 100), 1e-5)))
        .isTrue();
    double less = sigma / (1 + 1.01 * Calibration.PRECISION);
    assertThat(budget.covers(loss(new DiscreteGaussianSum(less, 5, 1 << 20, 1e8, 100), 1e-5)))
        .isFalse();
  }

  @ParameterizedTest
  @CsvSource({"4000, 1", "1000, 1024", "50000, 1048576"})
  void theMultiplierOfASumKeepsTheBudgetAtEveryScaleAndDimension(
      double sensitivity, int dimension) {
    PrivacyBudget budget = new PrivacyBudget(8, 1e-5);

    double multiplier = Calibration.sumNoiseMultiplier(budget, 3, 20);

    assertThat(budget.covers(loss(sum(multiplier, sensitivity, dimension), 1e-5))).isTrue();
    double less = multiplier / (1 + 1.01 * Calibration.PRECISION);
    assertThat(budget.covers(loss(sum(less, sensitivity, dimension), 1e-5))).isFalse();
  }

  /// 20 sums over 3 contributors.
  private static DiscreteGaussianSum sum(double multiplier, double sensitivity, int dimension) {
    return new DiscreteGaussianSum(
        multiplier * sensitivity / Math.sqrt(3), 3, dimension, sensitivity * sensitivity, 20);
  }

  private PrivacyLoss loss(PrivacyEvent event, double delta) {
    return accountant.epsilon(List.of(event), delta);
  }
}
