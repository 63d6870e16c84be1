package dev.comity.accounting;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.comity.accounting.PrivacyEvent.DiscreteGaussianInteger;
import dev.comity.accounting.PrivacyEvent.DiscreteGaussianSum;
import dev.comity.accounting.PrivacyEvent.Gaussian;
import dev.comity.accounting.PrivacyEvent.PoissonGaussian;
import java.util.List;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ZcdpAccountantTest {
  private final ZcdpAccountant zcdp = new ZcdpAccountant();

  @Test
  void theCorrectionOfASumIsThatOfTheTheorem() {
    double exponent = 2 * Math.PI * Math.PI * 0.25;

    assertThat(ConcentratedDivergence.tau(0.5, 1)).isZero();
    assertThat(ConcentratedDivergence.tau(0.5, 2))
        .isCloseTo(10 * Math.exp(-exponent / 2), within(1e-15));
    assertThat(ConcentratedDivergence.tau(0.5, 3))
        .isCloseTo(10 * (Math.exp(-exponent / 2) + Math.exp(-exponent * 2 / 3)), within(1e-15));
  }

  @Test
  void atFourUnitsTheCorrectionIsBelowAnyDelta() {
    assertThat(ConcentratedDivergence.tau(DiscreteGaussianSum.LEAST_LOCAL_SIGMA, 100_000))
        .isPositive()
        .isLessThan(1e-60);
  }

  @Test
  void aSumOfOneIsADiscreteGaussianAndNearlyAContinuousOne() {
    double rho = 9 / (2 * 100.0);

    assertThat(zcdp.rho(List.of(new DiscreteGaussianSum(10, 1, 7, 9, 1))))
        .isCloseTo(rho, within(1e-15));
    assertThat(zcdp.rho(List.of(new DiscreteGaussianInteger(10, 3, 1))))
        .isCloseTo(rho, within(1e-15));
    assertThat(zcdp.rho(List.of(new Gaussian(10 / 3.0, 1)))).isCloseTo(rho, within(1e-15));
  }

  @Test
  void contributorsShareTheNoise() {
    var together = new DiscreteGaussianSum(10, 25, 1000, 400, 12);
    var alone = new DiscreteGaussianSum(50, 1, 1000, 400, 12);

    assertThat(zcdp.rho(List.of(together)))
        .isCloseTo(zcdp.rho(List.of(alone)), within(1e-15))
        .isCloseTo(12 * 400 / (2 * 2500.0), within(1e-12));
  }

  @ParameterizedTest
  @CsvSource({"0.001, 1e-5", "0.1, 1e-6", "1, 1e-5", "30, 1e-9", "1000, 1e-3"})
  void theOrderIsTheBestThatADenseSearchFinds(double rho, double delta) {
    double dense = Double.POSITIVE_INFINITY;
    for (double t = -4.5; t < 20; t += 1e-3) {
      double order = 1 + Math.exp(t);
      dense = Math.min(dense, RenyiConversion.epsilon(order, rho * order, delta));
    }

    double epsilon = ZcdpAccountant.epsilon(rho, delta);

    assertThat(epsilon).isCloseTo(dense, within(1e-6 * dense));
    assertThat(ZcdpAccountant.delta(rho, epsilon))
        .isCloseTo(delta, Percentage.withPercentage(0.01));
  }

  @Test
  void itCostsMoreThanTheExactLossAndLessThanTheClassicConversion() {
    var events = List.of(new Gaussian(4, 3));

    double epsilon = zcdp.epsilon(events, 1e-5).epsilon();

    assertThat(epsilon).isGreaterThan(new PldAccountant().epsilon(events, 1e-5).epsilon());
    double rho = 3 / 32.0;
    assertThat(epsilon).isLessThan(rho + 2 * Math.sqrt(rho * Math.log(1e5))); // Bun, Steinke 2016
  }

  @Test
  void aSampledGaussianIsNotItsBusiness() {
    assertThatThrownBy(() -> zcdp.epsilon(List.of(new PoissonGaussian(1, 0.1, 1)), 1e-5))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("ZcdpAccountant does not account for PoissonGaussian");
  }
}
