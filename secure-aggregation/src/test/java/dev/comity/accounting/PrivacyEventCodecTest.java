package dev.comity.accounting;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.comity.accounting.PrivacyEvent.DiscreteGaussianInteger;
import dev.comity.accounting.PrivacyEvent.DiscreteGaussianSum;
import dev.comity.accounting.PrivacyEvent.Gaussian;
import dev.comity.accounting.PrivacyEvent.PoissonGaussian;
import dev.comity.codec.CborReader;
import dev.comity.codec.CborWriter;
import dev.comity.codec.MalformedException;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class PrivacyEventCodecTest {
  static Stream<PrivacyEvent> events() {
    return Stream.of(
        new PoissonGaussian(1.1, 0.01, 2250),
        new Gaussian(20, 3),
        new DiscreteGaussianInteger(4.5, 7, 1),
        new DiscreteGaussianSum(12345.5, 6, 1 << 20, 1e9, 40));
  }

  @ParameterizedTest
  @MethodSource("events")
  void everyEventComesBackFromItsBytes(PrivacyEvent event) {
    byte[] bytes = PrivacyEventCodec.encode(event);

    assertThat(PrivacyEventCodec.decode(bytes)).isEqualTo(event);
    assertThat(PrivacyEventCodec.encode(PrivacyEventCodec.decode(bytes))).isEqualTo(bytes);
  }

  @ParameterizedTest
  @MethodSource("events")
  void everyEventComesBackFromAFieldOfALargerDocument(PrivacyEvent event) {
    byte[] entry = CborWriter.map().map("event", PrivacyEventCodec.writer(event)).toBytes();

    assertThat(
            CborReader.<PrivacyEvent>read(
                entry, "Entry", in -> in.map("event", PrivacyEventCodec::read)))
        .isEqualTo(event);
  }

  @ParameterizedTest
  @MethodSource("events")
  void anUnknownFieldIsRefused(PrivacyEvent event) {
    byte[] bytes = PrivacyEventCodec.writer(event).text("note", "").toBytes();

    assertThatThrownBy(() -> PrivacyEventCodec.decode(bytes))
        .isInstanceOf(MalformedException.class)
        .hasMessageContaining("unknown field \"note\"");
  }

  @Test
  void anUnknownMechanismIsRefusedWithThoseThatAreKnown() {
    byte[] bytes = CborWriter.map().text("mechanism", "laplace").toBytes();

    assertThatThrownBy(() -> PrivacyEventCodec.decode(bytes))
        .isInstanceOf(MalformedException.class)
        .hasMessageContaining("\"laplace\"")
        .hasMessageContaining("poisson-gaussian");
  }

  @ParameterizedTest
  @CsvSource({
    "0.05, 0.1, 1, noiseMultiplier 0.05",
    "NaN, 0.1, 1, noiseMultiplier NaN",
    "1, 0, 1, samplingRate 0.0",
    "1, 1.1, 1, samplingRate 1.1",
    "1, NaN, 1, samplingRate NaN",
    "1, 0.1, 0, steps 0",
    "1, 0.1, 1000000001, steps 1000000001"
  })
  void aSampledGaussianOutOfRangeIsRefused(double sigma, double q, long steps, String sentence) {
    assertThatThrownBy(() -> new PoissonGaussian(sigma, q, steps))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith(sentence);
  }

  @ParameterizedTest
  @CsvSource({
    "3.9, 5, 10, 100, localSigma 3.9",
    "4, 0, 10, 100, contributors 0",
    "4, 5, 0, 100, dimension 0",
    "4, 5, 10, 0, squaredSensitivity 0.0",
    "4, 5, 10, Infinity, central sigma / sensitivity 0.0",
    "4, 5, 10, 1e9, central sigma / sensitivity 2."
  })
  void aSumOutOfRangeIsRefused(
      double sigma, int contributors, int dimension, double squared, String sentence) {
    assertThatThrownBy(() -> new DiscreteGaussianSum(sigma, contributors, dimension, squared, 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith(sentence);
  }

  @Test
  void aValueOutOfRangeInBytesIsMalformed() {
    byte[] bytes =
        CborWriter.map()
            .text("mechanism", "gaussian")
            .real("noiseMultiplier", -1)
            .integer("count", 1)
            .toBytes();

    assertThatThrownBy(() -> PrivacyEventCodec.decode(bytes))
        .isInstanceOf(MalformedException.class)
        .hasMessageContaining("noiseMultiplier -1.0");
  }
}
