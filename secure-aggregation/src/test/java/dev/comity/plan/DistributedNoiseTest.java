package dev.comity.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.comity.plan.VectorLayout.Kind;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DistributedNoiseTest {

  /// Kairouz, Liu, Steinke 2021: SC = 100, d = 10⁴.
  @ParameterizedTest
  @CsvSource({"0, 200", "0.6065306597126334, 112.472219"})
  void theSensitivityIsTheBoundOfConditionalRounding(double beta, double expected) {
    assertThat(DistributedNoise.sensitivity(100, 10_000, beta)).isCloseTo(expected, within(5e-7));
  }

  @ParameterizedTest
  @CsvSource({
    "32, 8, 1, 3",
    "32, 512, 0.5, 40",
    "24, 16, 1, 6",
    "16, 8, 1, 3",
    "32, 10000, 2, 600"
  })
  void theNoiseOfAPlanFollowsFromItsTermsAndFitsTheRing(
      int bits, int nMax, double multiplier, int contributors) {
    var plans = new Plans().distributed(multiplier, contributors);
    plans.encoding = new Encoding(bits, nMax);
    var terms = plans.terms();
    var layout = terms.vector();

    var noise = DistributedNoise.of(terms);

    var update = layout.block(Kind.UPDATE);
    assertThat(noise.dimension()).isEqualTo(128).isEqualTo(update.length());
    double scaled = update.scale() * plans.clipNorm;
    assertThat(noise.sensitivity())
        .isEqualTo(DistributedNoise.sensitivity(scaled, 128, DistributedNoise.BETA));
    assertThat(noise.contributors()).isEqualTo(contributors);
    assertThat(noise.deviation())
        .isGreaterThanOrEqualTo(multiplier * noise.sensitivity() * (1 - 1e-12))
        .isLessThan(multiplier * noise.sensitivity() * 1.1);
    assertThat(noise.localDeviation()).isGreaterThanOrEqualTo(4);
    assertThat(layout.update().noiseVariance()).isEqualTo(noise.variance());
    double reach = reach(layout.precision(), nMax, noise.localDeviation());
    assertThat(reach).isLessThan(Math.scalb(1.0, bits - 1));
    assertThat(2 * reach + nMax)
        .as("one more bit of precision would not fit")
        .isGreaterThanOrEqualTo(Math.scalb(1.0, bits - 1) * 0.99);
    assertThat(layout.update().rotation()).isPresent();
  }

  @Test
  void noiseIsCoarserThanTheWidthAloneAllows() {
    var plans = new Plans().distributed(1, 3);
    plans.encoding = new Encoding(32, 8);

    assertThat(plans.terms().vector().precision()).isLessThan(plans.encoding.precision());
    assertThat(plans.terms().vector().precision()).isGreaterThan(15);
  }

  @Test
  void termsWithoutDistributedNoiseHaveNone() {
    assertThatThrownBy(() -> DistributedNoise.of(new Plans().recordLevel().terms()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("not distributed");
  }

  /// The range budget: nMax·(2^(p−1) − 1) + 10·σ of nMax sites.
  private static double reach(int precision, int nMax, double localDeviation) {
    return nMax * (double) ((1L << (precision - 1)) - 1) + 10 * Math.sqrt(nMax) * localDeviation;
  }
}
