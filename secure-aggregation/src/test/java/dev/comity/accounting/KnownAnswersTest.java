package dev.comity.accounting;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.comity.accounting.PrivacyEvent.Gaussian;
import dev.comity.accounting.PrivacyEvent.PoissonGaussian;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Numbers that others published in the tests of their accountants.
class KnownAnswersTest {
  private final RdpAccountant rdp = new RdpAccountant();
  private final PldAccountant pld = new PldAccountant();

  @Test
  void opacusAccountantsTest() {
    List<Double> orders =
        Stream.concat(
                IntStream.range(1, 100).mapToObj(tenth -> 1 + tenth / 10.0),
                IntStream.range(12, 64).mapToObj(Double::valueOf))
            .toList();
    var event = List.of(new PoissonGaussian(1.5, 0.04, 2250));

    double epsilon = new RdpAccountant(orders).epsilon(event, 1e-5).epsilon();

    assertThat(epsilon).isCloseTo(7.32911117143, within(1e-9));
    assertThat(rdp.epsilon(event, 1e-5).epsilon()).isCloseTo(epsilon, within(1e-12));
  }

  @ParameterizedTest
  @CsvSource({
    "60000, 150, 1.3, 15, 1e-5, 0.7242234026109595, 19",
    "100000, 100, 1, 30, 1e-7, 1.4154988495444842, 13"
  })
  void tensorFlowPrivacyComputeDpSgdPrivacyTestByRdp(
      int examples,
      int batch,
      double sigma,
      int epochs,
      double delta,
      double expected,
      double bestOrder) {
    long steps = (long) epochs * examples / batch;
    var event = List.of(new PoissonGaussian(sigma, (double) batch / examples, steps));

    assertThat(rdp.epsilon(event, delta).epsilon()).isCloseTo(expected, within(1e-9));
    assertThat(new RdpAccountant(List.of(bestOrder)).epsilon(event, delta).epsilon())
        .isCloseTo(expected, within(1e-9));
  }

  @Test
  void tensorFlowPrivacySampledGaussian() {
    var event = List.of(new PoissonGaussian(0.7, 0.01, 120));
    double published = 3.2392676; // takes the absolute values of an alternating series: too large

    assertThat(pld.epsilon(event, 1e-5).epsilon()).isCloseTo(2.4612381, within(1e-3));
    assertThat(rdp.epsilon(event, 1e-5).epsilon())
        .isCloseTo(3.2391922, within(1e-7))
        .isLessThan(published)
        .isCloseTo(published, within(1e-4));
  }

  @ParameterizedTest
  @CsvSource({"0.7, 2, 1e-5, 10.8602036, 1e-7, 10.1224946", "1, 5, 1e-6, 13.376, 5e-4, 12.595"})
  void tensorFlowPrivacyGaussianWithoutSampling(
      double sigma, long steps, double delta, double byRdp, double rdpWithin, double byPld) {
    for (PrivacyEvent event :
        List.of(new PoissonGaussian(sigma, 1, steps), new Gaussian(sigma, steps))) {
      assertThat(rdp.epsilon(List.of(event), delta).epsilon()).isCloseTo(byRdp, within(rdpWithin));
      assertThat(pld.epsilon(List.of(event), delta).epsilon()).isCloseTo(byPld, within(1e-3));
    }
  }

  @Test
  void dpAccountingRdpPrivacyAccountantTestOfAConstantDivergence() {
    double least =
        IntStream.rangeClosed(2, 32)
            .mapToDouble(order -> RenyiConversion.epsilon(order, 1.1, 1e-5))
            .min()
            .orElseThrow();

    assertThat(least).isCloseTo(1.32783806176, within(1e-10));
    assertThat(RenyiConversion.epsilon(32, 1.1, 1e-5)).isEqualTo(least);
    assertThat(RenyiConversion.delta(32, 1.1, least)).isCloseTo(1e-5, within(1e-15));
  }

  @Test
  void dpAccountingPldPrivacyAccountantTestOfTheGaussian() {
    assertThat(pld.delta(List.of(new Gaussian(Math.sqrt(3), 3)), 1))
        .isCloseTo(0.126936, within(1e-6));
  }

  @Test
  void dpAccountingPldPrivacyAccountantTestOfTheSampledGaussian() {
    assertThat(pld.delta(List.of(new PoissonGaussian(0.5, 0.2, 3)), 1))
        .isCloseTo(0.15594, within(1e-3));
  }

  @ParameterizedTest
  @CsvSource({"1, 1, 2, 0.150574425", "10, 3, 5, 0.263672394"})
  void dpAccountingPrivacyLossMechanismTestOfTheDiscreteGaussian(
      double sigma, long sensitivity, long bound, double expected) {
    assertThat(new DiscreteGaussian(sigma, bound).delta(1, sensitivity))
        .isCloseTo(expected, within(1e-9));
  }

  @ParameterizedTest
  @CsvSource({"-2, 0.17820326", "-1, 0.38872553", "0, 0.61127447", "1, 0.82179674"})
  void dpAccountingPrivacyLossMechanismTestOfTheDiscreteGaussianCdf(long x, double expected) {
    assertThat(new DiscreteGaussian(3, 2).cumulative(x)).isCloseTo(expected, within(1e-8));
  }
}
