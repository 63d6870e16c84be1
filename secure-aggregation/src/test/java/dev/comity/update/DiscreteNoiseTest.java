package dev.comity.update;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.comity.accounting.DiscreteGaussian;
import dev.comity.plan.DistributedNoise;
import dev.comity.plan.Encoding;
import dev.comity.plan.Noise;
import dev.comity.plan.VectorLayout;
import dev.comity.plan.VectorLayout.Kind;
import java.lang.foreign.MemorySegment;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Discrete Gaussian noise in the ring; the sampler itself is tested with the accountants.
class DiscreteNoiseTest {
  private static final int SITES = 5;
  private static final Noise.Distributed NOISE = new Noise.Distributed(0.1, 3, 1e-5);

  @Test
  void theNoiseThatIsAddedHasTheExactProbabilities() {
    int parameters = 1 << 15;
    var layout = layout(16, 2, 0.00004, parameters);
    double deviation = Math.sqrt((double) layout.update().noiseVariance());
    assertThat(deviation).isBetween(4.0, 8.0);

    // What reaches the vector: an update of zeros leaves the noise alone.
    var zeros = LocalUpdate.of(new float[parameters], 1, Sites.metrics(1)).clip(Sites.CLIP_NORM);
    var key = Sites.roundingKey(1);
    var noised =
        Ring.unpack(
            layout,
            zeros.encode(layout, key).noise(new Noise.Distributed(0.00004, 3, 1e-5)).ring());

    int reach = (int) (3 * deviation);
    long[] seen = new long[2 * reach + 3]; // below, −reach … reach, above
    for (long i = 0; i < parameters; i++) {
      int value = noised.get(Ring.INT, 4 * i);
      seen[Math.clamp(value, -reach - 1, reach + 1) + reach + 1]++;
    }
    var law = new DiscreteGaussian(deviation, 200);
    double chiSquare = 0;
    for (int bin = 0; bin < seen.length; bin++) {
      int value = bin - reach - 1;
      double probability =
          Math.abs(value) > reach ? law.cumulative(-reach - 1) : law.probability(value);
      double expected = parameters * probability;
      assertThat(expected).isGreaterThan(20);
      chiSquare += Math.pow(seen[bin] - expected, 2) / expected;
    }
    int degrees = seen.length - 1;
    assertThat(chiSquare).isCloseTo(degrees, within(5 * Math.sqrt(2.0 * degrees)));
  }

  @ParameterizedTest
  @CsvSource({"32, 8", "24, 8", "16, 8"})
  void theNoiseOfTheSumHasTheStatedVariance(int bits, int nMax) {
    int parameters = 1 << 14;
    var layout = layout(bits, nMax, 0.1, parameters);
    var silent = withoutNoise(layout);
    var accumulator = new SumAccumulator(layout, 1);
    int[] plain = new int[parameters];
    for (int site = 0; site < SITES; site++) {
      var masked = Sites.noised(site, layout, NOISE);
      accumulator.add(new MaskedUpdate(layout, masked.ring()));
      var encoded = Sites.clipped(site, parameters).encode(silent, Sites.roundingKey(site));
      for (int i = 0; i < parameters; i++) {
        plain[i] += encoded.coordinate(i);
      }
    }

    var sum = accumulator.decode(SITES);

    byte[] artifact = sum.encode();
    var elements = elements(layout, artifact);
    double mean = 0;
    double squares = 0;
    for (int i = 0; i < parameters; i++) {
      double noise = elements[i] - plain[i];
      mean += noise / parameters;
      squares += noise * noise / parameters;
    }
    double variance = SITES * (double) layout.update().noiseVariance();
    assertThat(squares / variance).isCloseTo(1, within(5 * Math.sqrt(2.0 / parameters)));
    assertThat(mean).isCloseTo(0, within(5 * Math.sqrt(variance / parameters)));
    assertThat(sum.mean()).hasSize(parameters);
  }

  @Test
  void theNoiseOfTheCountedContributorsIsTheMultipleOfTheSensitivity() {
    var layout = layout(32, 8, 0.1, 1000);

    double counted = Math.sqrt(3.0 * layout.update().noiseVariance());

    assertThat(counted / layout.sensitivity()).isCloseTo(0.1, within(1e-6));
  }

  @Test
  void noUpdateIsLongerThanItsSensitivityBeforeNoise() {
    for (int seed = 0; seed < 50; seed++) {
      var layout = layout(16, 8, 0.1, 300);
      float[] delta = Sites.delta(seed, 300);
      for (int i = 0; i < delta.length; i++) {
        delta[i] *= 100;
      }

      var encoded =
          LocalUpdate.of(delta, 1, Sites.metrics(seed))
              .clip(Sites.CLIP_NORM)
              .encode(layout, Sites.roundingKey(seed));

      double squares =
          IntStream.range(0, 512).mapToDouble(i -> Math.pow(encoded.coordinate(i), 2)).sum();
      assertThat(Math.sqrt(squares)).isLessThanOrEqualTo(layout.sensitivity());
    }
  }

  @Test
  void theSameUpdateMadeTwiceIsTheSameToTheByte() {
    var layout = layout(24, 8, 0.1, 1000);

    var first = Sites.noised(1, layout, NOISE);
    var again = Sites.noised(1, layout, NOISE);

    assertThat(again.ring().mismatch(first.ring())).isEqualTo(-1);
  }

  @Test
  void anotherScaleVarianceOrSiteDrawsOtherNoise() {
    var layout = layout(24, 8, 0.1, 1000);
    var otherContributors =
        Sites.layout(new Encoding(24, 8), new Noise.Distributed(0.1, 4, 1e-5), 1000);
    var otherScale = layout(24, 128, 0.1, 1000);
    var key = Sites.roundingKey(1);

    var noise = scaled(layout, DiscreteNoise.draw(layout, key));

    assertThat(scaled(layout, DiscreteNoise.draw(layout, key))).isEqualTo(noise);
    for (var others :
        new double[][] {
          scaled(otherContributors, DiscreteNoise.draw(otherContributors, key)),
          scaled(otherScale, DiscreteNoise.draw(otherScale, key)),
          scaled(layout, DiscreteNoise.draw(layout, Sites.roundingKey(2)))
        }) {
      assertThat(correlation(noise, others)).isCloseTo(0, within(5 / Math.sqrt(1024)));
    }
  }

  @Test
  void theNoiseOwesNothingToTheRoundingOfTheSameUpdate() {
    var layout = layout(32, 8, 0.1, 1 << 12);
    var encoded = Sites.clipped(1, 1 << 12).encode(layout, Sites.roundingKey(1));
    var noise = DiscreteNoise.draw(layout, Sites.roundingKey(1));

    double[] update = new double[1 << 12];
    double[] drawn = new double[1 << 12];
    for (int i = 0; i < update.length; i++) {
      update[i] = encoded.coordinate(i);
      drawn[i] = noise.element(i);
    }

    assertThat(correlation(update, drawn)).isCloseTo(0, within(5 / Math.sqrt(1 << 12)));
  }

  @Test
  void aSumBeyondTheMarginOfItsNoiseIsRefused() {
    var layout = layout(32, 8, 0.1, 100);
    var update = layout.block(Kind.UPDATE);
    double margin =
        DistributedNoise.MARGIN * Math.sqrt(SITES * (double) layout.update().noiseVariance());
    int limit = (int) (SITES * layout.largestCoordinate() + Math.ceil(margin));

    assertThat(decodeWithOneCoordinate(layout, update.offset() + 7, limit).contributors())
        .isEqualTo(SITES);
    assertThatThrownBy(() -> decodeWithOneCoordinate(layout, update.offset() + 7, limit + 1))
        .isInstanceOf(RejectedSum.class)
        .hasMessage("coordinate 7 of block UPDATE is beyond what the survivors can add up to");
  }

  @Test
  void aSumLongerThanUpdatesAndNoiseIsRefused() {
    var layout = layout(32, 8, 0.1, 100);
    double noise = Math.sqrt(SITES * (double) layout.update().noiseVariance());
    double limit = SITES * layout.sensitivity() + noise * (Math.sqrt(128) + 10);
    int each = (int) (limit / Math.sqrt(128));

    assertThat(decodeWithAll(layout, each - 1).contributors()).isEqualTo(SITES);
    assertThatThrownBy(() -> decodeWithAll(layout, each + 2))
        .isInstanceOf(RejectedSum.class)
        .extracting(rejected -> ((RejectedSum) rejected).reason())
        .isInstanceOf(RejectedSum.Reason.NormOutOfRange.class);
  }

  private static VectorLayout layout(int bits, int nMax, double multiplier, int parameters) {
    return Sites.layout(
        new Encoding(bits, nMax), new Noise.Distributed(multiplier, 3, 1e-5), parameters);
  }

  private static VectorLayout withoutNoise(VectorLayout layout) {
    var update = layout.update();
    return new VectorLayout(
        layout.bits(),
        layout.precision(),
        new VectorLayout.Update(update.parameters(), update.norm(), update.rotation(), 0),
        layout.blocks());
  }

  private static AggregateUpdate decodeWithOneCoordinate(VectorLayout layout, long at, int value) {
    var elements = counted(layout);
    elements.set(Ring.INT, 4 * at, value);
    return AggregateUpdate.decode(layout, elements, SITES);
  }

  private static AggregateUpdate decodeWithAll(VectorLayout layout, int value) {
    var elements = counted(layout);
    for (long i = 0; i < layout.block(Kind.UPDATE).length(); i++) {
      elements.set(Ring.INT, 4 * i, value);
    }
    return AggregateUpdate.decode(layout, elements, SITES);
  }

  private static MemorySegment counted(VectorLayout layout) {
    var elements = Ring.elements(layout.length());
    elements.set(Ring.INT, 4 * layout.block(Kind.COUNT).offset(), SITES);
    return elements;
  }

  private static int[] elements(VectorLayout layout, byte[] artifact) {
    int begin = Math.toIntExact(artifact.length - layout.byteLength());
    var packed = Ring.allocate(layout);
    packed.copyFrom(MemorySegment.ofArray(artifact).asSlice(begin));
    return Ring.unpack(layout, packed).toArray(Ring.INT);
  }

  private static double[] scaled(VectorLayout layout, DiscreteNoise noise) {
    double deviation = Math.sqrt((double) layout.update().noiseVariance());
    return IntStream.range(0, Math.toIntExact(layout.block(Kind.UPDATE).length()))
        .mapToDouble(i -> noise.element(i) / deviation)
        .toArray();
  }

  private static double correlation(double[] left, double[] right) {
    double product = 0;
    double leftSquares = 0;
    double rightSquares = 0;
    for (int i = 0; i < left.length; i++) {
      product += left[i] * right[i];
      leftSquares += left[i] * left[i];
      rightSquares += right[i] * right[i];
    }
    return product / Math.sqrt(leftSquares * rightSquares);
  }
}
