package dev.comity.accounting;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.comity.accounting.PrivacyEvent.Gaussian;
import dev.comity.accounting.PrivacyEvent.PoissonGaussian;
import java.util.List;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RdpAccountantTest {
  private final RdpAccountant rdp = new RdpAccountant();

  @ParameterizedTest
  @CsvSource({"0.3, 0.5", "0.7, 0.01", "1, 0.001", "1.5, 0.04", "4, 0.9", "30, 0.0001"})
  void theIntegralAgreesWithTheBinomialSumAtWholeOrders(double sigma, double q) {
    for (int order = 2; order <= 40; order++) {
      double sum = SampledGaussian.logAInteger(sigma, q, order);
      double integral = SampledGaussian.logAFractional(sigma, q, order);

      assertThat(integral).isCloseTo(sum, within(1e-12 * Math.max(1, sum)));
    }
  }

  @Test
  void theDivergenceGrowsWithTheOrderAcrossWholeAndFractionalOnes() {
    double last = 0;
    for (double order = 1.05; order < 12; order += 0.05) {
      double next = SampledGaussian.divergence(1.1, 0.02, order);

      assertThat(next).isGreaterThanOrEqualTo(last * (1 - 1e-9));
      last = next;
    }
  }

  @ParameterizedTest
  @ValueSource(doubles = {1000, 1024.5, 100_000})
  void aHugeOrderNeitherOverflowsNorLosesTheLimit(double order) {
    double divergence = SampledGaussian.divergence(0.5, 0.01, order);

    // The last term dominates: alpha*(alpha-1)/(2 sigma^2) + alpha ln q, over alpha - 1.
    double limit = order / (2 * 0.25) + Math.log(0.01) * order / (order - 1);
    assertThat(divergence).isCloseTo(limit, Percentage.withPercentage(1e-3));
  }

  @Test
  void samplingEverythingIsTheGaussian() {
    assertThat(rdp.divergence(List.of(new PoissonGaussian(2, 1, 3)), 5))
        .isEqualTo(rdp.divergence(List.of(new Gaussian(2, 3)), 5))
        .isCloseTo(3 * 5 / (2 * 4.0), within(1e-12));
  }

  @Test
  void eventsAddUpHoweverTheyAreSplit() {
    var whole = List.of(new PoissonGaussian(1.5, 0.04, 100), new Gaussian(9, 2));
    var split =
        List.of(
            new PoissonGaussian(1.5, 0.04, 60),
            new Gaussian(9, 1),
            new PoissonGaussian(1.5, 0.04, 40),
            new Gaussian(9, 1));

    assertThat(rdp.epsilon(split, 1e-5)).isEqualTo(rdp.epsilon(whole, 1e-5));
  }

  @Test
  void nothingDoneCostsNothing() {
    for (PrivacyAccountant accountant :
        List.of(rdp, new ZcdpAccountant(), new PldAccountant(), PrivacyAccountant.deciding())) {
      assertThat(accountant.epsilon(List.of(), 1e-5).epsilon()).isZero();
      assertThat(accountant.delta(List.of(), 0)).isZero();
    }
  }

  @Test
  void deltaAndEpsilonAreEachOthersInverse() {
    var events = List.of(new PoissonGaussian(1.2, 0.02, 800));

    double epsilon = rdp.epsilon(events, 1e-6).epsilon();

    assertThat(rdp.delta(events, epsilon)).isCloseTo(1e-6, within(1e-15));
  }

  @ParameterizedTest
  @ValueSource(doubles = {0, -1, 1, 2, Double.NaN})
  void aDeltaOutsideOfZeroToOneIsRefused(double delta) {
    for (PrivacyAccountant accountant :
        List.of(rdp, new ZcdpAccountant(), new PldAccountant(), PrivacyAccountant.deciding())) {
      assertThatThrownBy(() -> accountant.epsilon(List.of(new Gaussian(1, 1)), delta))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("delta " + delta + ": must be in (0, 1)");
    }
  }

  @ParameterizedTest
  @ValueSource(doubles = {1, 0.5, 100_001, Double.NaN})
  void anOrderWithoutMeaningIsRefused(double order) {
    assertThatThrownBy(() -> new RdpAccountant(List.of(2.0, order)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("order " + order);
  }
}
