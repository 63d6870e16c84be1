package dev.comity.update;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.comity.plan.Encoding;
import dev.comity.plan.Noise;
import dev.comity.plan.VectorLayout;
import dev.comity.plan.VectorLayout.Kind;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Rings of 32, 24 and 16 bits, with rotation and without, at awkward lengths.
class WidthsTest {
  private static final int SITES = 5;
  private static final int[] LENGTHS = {2, 3, 16, 17, 401, 4097, 100_003};

  @TempDir Path folder;

  static Stream<Arguments> layouts() {
    return Stream.of(32, 24, 16)
        .flatMap(bits ->
            Stream.of(false, true)
                .flatMap(rotated ->
                    IntStream.of(LENGTHS).mapToObj(length -> Arguments.of(bits, rotated, length))));
  }

  @ParameterizedTest
  @MethodSource("layouts")
  void masksCancelAndTheSumIsExact(int bits, boolean rotated, int parameters) {
    var layout = Sites.withRotation(Sites.layout(bits, 512, parameters), rotated);
    var masks = Sites.Masks.random(bits + parameters, SITES);
    int survivors = 0b10111;
    var accumulator = new SumAccumulator(layout, 2);
    int[] plain = new int[Math.toIntExact(layout.length())];
    for (int site = 0; site < SITES; site++) {
      if ((survivors >> site & 1) == 1) {
        var encoded = Sites.clipped(site, parameters).encode(layout, Sites.roundingKey(site));
        for (int i = 0; i < plain.length; i++) {
          plain[i] += encoded.coordinate(i);
        }
        var masked = encoded.noise(new Noise.None()).mask(masks.of(site));
        assertThat(masked.byteLength()).isEqualTo((long) plain.length * bits / 8);
        accumulator.add(masked);
      }
    }

    accumulator.remove(masks.remaining(survivors));
    byte[] artifact = accumulator.decode(4).encode();

    int bytes = bits / 8;
    int begin = artifact.length - bytes * plain.length;
    for (int i = 0; i < plain.length; i++) {
      int element = 0;
      for (int at = bytes - 1; at >= 0; at--) {
        element = element << 8 | artifact[begin + bytes * i + at] & 0xff;
      }
      assertThat(element << 32 - bits >> 32 - bits).as("element %d", i).isEqualTo(plain[i]);
    }
    var read = AggregateUpdate.decodeArtifact(layout, artifact);
    assertThat(read.encode()).isEqualTo(artifact);
  }

  @ParameterizedTest
  @MethodSource("layouts")
  void theMeanIsThePlainWeightedMeanWithinTheBoundOfRounding(
      int bits, boolean rotated, int parameters) {
    var layout = Sites.withRotation(Sites.layout(bits, 8, parameters), rotated);
    double[] plain = new double[parameters];
    double weights = 0;
    for (int site = 0; site < SITES; site++) {
      weights += Sites.weight(site);
      var clipped = Sites.clipped(site, parameters);
      for (int i = 0; i < parameters; i++) {
        plain[i] += Sites.weight(site) * clipped.coordinate(i, Sites.CLIP_NORM);
      }
    }

    float[] mean = sum(layout, new Noise.None(), SITES).mean();

    // n/(S·Σw) in each coordinate as it was rounded; the weight's own rounding and float32 besides.
    // Turning back keeps the norm of the error, not its largest coordinate.
    double bound = SITES / (layout.block(Kind.UPDATE).scale() * weights);
    double ofWeights = SITES / (layout.block(Kind.WEIGHT).scale() * weights);
    double squares = 0;
    for (int i = 0; i < parameters; i++) {
      double exact = plain[i] / weights;
      double error = mean[i] - exact;
      double others = Math.abs(exact) * 1.01 * ofWeights + Math.ulp((float) exact);
      if (!rotated) {
        assertThat(Math.abs(error)).as("coordinate %d", i).isLessThanOrEqualTo(bound + others);
      }
      squares += Math.pow(Math.max(0, Math.abs(error) - others), 2);
    }
    double dimension = layout.block(Kind.UPDATE).length();
    assertThat(Math.sqrt(squares)).isLessThanOrEqualTo(bound * Math.sqrt(dimension) + 1e-12);
    assertThat(mean).hasSize(parameters);
  }

  @ParameterizedTest
  @CsvSource({"24, false", "16, false", "24, true", "16, true"})
  void theErrorOfAMeanOfEqualSitesIsAtMostHalfAUnitOverTheRootOfTheSites(
      int bits, boolean rotated) {
    int parameters = 1 << 16;
    int n = 16;
    var layout = Sites.withRotation(Sites.layout(bits, n, parameters), rotated);
    var accumulator = new SumAccumulator(layout, 1);
    double[] plain = new double[parameters];
    for (int site = 0; site < n; site++) {
      var clipped =
          LocalUpdate.of(Sites.delta(site, parameters), 1, Sites.metrics(site))
              .clip(Sites.CLIP_NORM);
      for (int i = 0; i < parameters; i++) {
        plain[i] += clipped.coordinate(i, Sites.CLIP_NORM) / n;
      }
      accumulator.add(plainVector(clipped.encode(layout, Sites.roundingKey(site))));
    }

    float[] mean = accumulator.decode(n).mean();

    double squares = 0;
    for (int i = 0; i < parameters; i++) {
      squares += Math.pow(mean[i] - plain[i], 2);
    }
    double rms = Math.sqrt(squares / parameters);
    double bound = 1 / (2 * layout.block(Kind.UPDATE).scale() * Math.sqrt(n));
    assertThat(rms).isLessThan(bound * 1.01).isGreaterThan(bound / 3);
  }

  @Test
  void sixteenBitsAreWorthMoreAfterRotation() {
    int parameters = 1 << 14;
    var rotated = Sites.layout(16, 8, parameters);
    var plain = Sites.withRotation(rotated, false);

    double gain = rotated.block(Kind.UPDATE).scale() / plain.block(Kind.UPDATE).scale();

    assertThat(rotated.update().rotation()).isPresent();
    assertThat(gain).isBetween(20.0, 22.0); // 1/√(2 ln(2d/β)/d)
  }

  @Test
  void aSpikeSurvivesRotationAndTheClipOfItsCoordinates() {
    int parameters = 1000;
    var layout = Sites.layout(16, 8, parameters);
    float[] delta = new float[parameters];
    delta[777] = (float) Sites.CLIP_NORM;
    var accumulator = new SumAccumulator(layout, 1);
    for (int site = 0; site < SITES; site++) {
      accumulator.add(
          plainVector(
              LocalUpdate.of(delta, 1, Sites.metrics(site))
                  .clip(Sites.CLIP_NORM)
                  .encode(layout, Sites.roundingKey(site))));
    }

    float[] mean = accumulator.decode(SITES).mean();

    double rms = 1 / (2 * layout.block(Kind.UPDATE).scale() * Math.sqrt(SITES));
    for (int i = 0; i < parameters; i++) {
      assertThat((double) mean[i]).isCloseTo(delta[i], within(6 * rms));
    }
  }

  @ParameterizedTest
  @CsvSource({"32, 512", "24, 512", "16, 512", "24, 300", "16, 8", "16, 10000"})
  void aFullRosterAtTheLimitStaysWithinTheRing(int bits, int nMax) {
    int parameters = 2;
    var layout = Sites.withRotation(Sites.layout(bits, nMax, parameters), false);
    var update = layout.block(Kind.UPDATE);
    float[] delta = {(float) Sites.CLIP_NORM, 0};
    var vector =
        plainVector(
            LocalUpdate.of(delta, 1, Sites.metrics(1))
                .clip(Sites.CLIP_NORM)
                .encode(layout, Sites.roundingKey(1)));
    var accumulator = new SumAccumulator(layout, 1);
    for (int site = 0; site < nMax; site++) {
      accumulator.add(vector);
    }

    var sum = accumulator.decode(nMax);

    assertThat((double) sum.mean()[0])
        .isCloseTo(Sites.CLIP_NORM, within(1.01 / update.scale() + 1e-6));
    var metrics = sum.metrics().orElseThrow();
    assertThat(metrics.examples()).isEqualTo(nMax * Sites.metrics(1).examples());
    assertThat(metrics.correct()).isEqualTo(nMax * Sites.metrics(1).correct());
    assertThat(metrics.positives().getLast())
        .isEqualTo(nMax * Sites.metrics(1).positives().getLast());
    assertThat(metrics.lossSum())
        .isCloseTo(
            nMax * Sites.metrics(1).lossSum(),
            within(nMax / layout.block(Kind.METRICS_LOSS).scale()));
  }

  @ParameterizedTest
  @ValueSource(ints = {24, 16})
  void aStoredUpdateComesBackByteForByteAndTornIsRefused(int bits) throws IOException {
    var layout = Sites.layout(bits, 512, 13);
    var update = Sites.noised(1, layout);
    var masked = update.mask(Sites.Masks.random(1, 3).of(0));
    var z = folder.resolve("z");
    var y = folder.resolve("y");

    update.store(z);
    masked.store(y);

    assertThat(NoisedUpdate.load(z).ring().mismatch(update.ring())).isEqualTo(-1);
    assertThat(NoisedUpdate.load(z).layout()).isEqualTo(layout);
    assertThat(MaskedUpdate.load(y).digest()).isEqualTo(masked.digest());
    byte[] whole = Files.readAllBytes(y);
    for (int length = 0; length < whole.length; length++) {
      Files.write(y, Arrays.copyOf(whole, length));
      assertThatThrownBy(() -> MaskedUpdate.load(y)).isInstanceOf(DamagedUpdateException.class);
    }
  }

  @ParameterizedTest
  @CsvSource({"24, -3", "24, 3", "24, 1", "16, -2", "16, 2", "16, 1"})
  void aVectorOneElementOrByteOffIsRefused(int bits, int off) throws IOException {
    var layout = Sites.layout(bits, 512, 101);
    int length = Math.toIntExact(layout.byteLength());
    var accumulator = new SumAccumulator(layout, 1);
    var file = Files.write(folder.resolve("vector"), new byte[length + off]);

    assertThatIllegalArgumentException()
        .isThrownBy(() -> accumulator.add(file))
        .withMessage("masked vector of %d bytes: the layout has %d", length + off, length);
    assertThatThrownBy(
            () -> AggregateUpdate.decode(layout, MemorySegment.ofArray(new byte[length + off]), 3))
        .isInstanceOf(RejectedSum.class)
        .hasMessage("the sum has %d bytes: the layout has %d", length + off, length);
  }

  @Test
  void aVectorOfAnotherWidthIsRefused() {
    var accumulator = new SumAccumulator(Sites.layout(24, 512, 400), 1);
    var masked = Sites.noised(1, Sites.layout(16, 512, 400)).mask(Sites.Masks.random(1, 2).of(0));

    assertThatIllegalArgumentException()
        .isThrownBy(() -> accumulator.add(masked))
        .withMessage("masked vector of another layout than the sum's");
  }

  @ParameterizedTest
  @ValueSource(ints = {32, 24, 16})
  void theNumberOfThreadsAndTheSourceOfTheBytesChangeNothing(int bits) throws IOException {
    var layout = Sites.layout(bits, 8, 200_001);
    var masks = Sites.Masks.random(9, 3);
    var sequential = new SumAccumulator(layout, 1);
    var parallel = new SumAccumulator(layout, 3);
    for (int site = 0; site < 2; site++) {
      var masked = Sites.noised(site, layout).mask(masks.of(site));
      sequential.add(masked);
      parallel.add(
          Files.write(
              folder.resolve("vector-" + site), masked.ring().toArray(ValueLayout.JAVA_BYTE)));
    }

    sequential.remove(masks.remaining(0b011));
    parallel.remove(masks.remaining(0b011));

    assertThat(parallel.decode(2).encode()).isEqualTo(sequential.decode(2).encode());
  }

  @Test
  void aDigitThatNoSumOfDigitsReachesIsRefused() {
    var layout = Sites.layout(16, 512, 13);
    var counts = layout.block(Kind.METRICS_COUNTS);
    var encoded = Sites.clipped(1, 13).encode(layout, Sites.roundingKey(1));
    var elements = Ring.elements(layout.length());
    for (long i = 0; i < layout.length(); i++) {
      elements.set(Ring.INT, 4 * i, encoded.coordinate(i));
    }
    // The carried value stays as it was: one digit less, 2^6 more in the digit below.
    long low = 4 * (counts.offset() + 4);
    elements.set(Ring.INT, low, elements.get(Ring.INT, low) + 64);
    elements.set(Ring.INT, low + 4, elements.get(Ring.INT, low + 4) - 1);

    assertThatThrownBy(() -> AggregateUpdate.decode(layout, Ring.pack(layout, elements), 1))
        .isInstanceOf(RejectedSum.class)
        .hasMessage(
            "coordinate 1 of block METRICS_COUNTS is beyond what the survivors can add up to");
  }

  @Test
  void noiseAndLayoutOfDifferentPlansAreRefused() {
    var distributed = new Noise.Distributed(1, 3, 1e-5);
    var noised = Sites.layout(new Encoding(32, 8), distributed, 20);
    var update = Sites.clipped(1, 20);

    assertThatIllegalArgumentException()
        .isThrownBy(() -> update.encode(noised, Sites.roundingKey(1)).noise(new Noise.None()))
        .withMessageContaining("take noise and layout of one plan");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> update.encode(Sites.layout(20), Sites.roundingKey(1)).noise(distributed))
        .withMessageContaining("take noise and layout of one plan");
  }

  private static AggregateUpdate sum(VectorLayout layout, Noise noise, int sites) {
    var masks = Sites.Masks.random(layout.length(), sites);
    var accumulator = new SumAccumulator(layout, 1);
    for (int site = 0; site < sites; site++) {
      accumulator.add(Sites.noised(site, layout, noise).mask(masks.of(site)));
    }
    accumulator.remove(masks.remaining((1 << sites) - 1));
    return accumulator.decode(sites);
  }

  /// A vector without masks, to add often or alone.
  private static MaskedUpdate plainVector(EncodedUpdate encoded) {
    var noised = encoded.noise(new Noise.None());
    return new MaskedUpdate(noised.layout(), noised.ring());
  }
}
