package dev.comity.update;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.comity.plan.Noise;
import dev.comity.plan.RunKind;
import dev.comity.plan.VectorLayout.Kind;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class MaskedAggregationTest {
  private static final int SITES = 5;
  private static final int PARAMETERS = 400;

  @TempDir Path folder;

  static IntStream survivorSets() {
    return IntStream.range(1, 1 << SITES);
  }

  @ParameterizedTest
  @MethodSource("survivorSets")
  void theMaskedMeanIsThePlainWeightedMeanWithinTheBoundOfRounding(int survivors) {
    var layout = Sites.layout(PARAMETERS);
    var masks = Sites.Masks.random(survivors, SITES);
    var accumulator = new SumAccumulator(layout, 2);
    double[] plain = new double[PARAMETERS];
    double weights = 0;
    for (int site = 0; site < SITES; site++) {
      if ((survivors >> site & 1) == 1) {
        accumulator.add(Sites.noised(site, PARAMETERS).mask(masks.of(site)));
        var clipped = Sites.clipped(site, PARAMETERS);
        weights += Sites.weight(site);
        for (int i = 0; i < PARAMETERS; i++) {
          plain[i] += Sites.weight(site) * clipped.coordinate(i, Sites.CLIP_NORM);
        }
      }
    }

    accumulator.remove(masks.remaining(survivors));
    int n = Integer.bitCount(survivors);
    var aggregate = accumulator.decode(n);

    // n/(S·Σw) of the update; the rounded weights add as much again for a mean of at most C, and
    // float32 its own half unit.
    double scale = layout.block(Kind.UPDATE).scale();
    double bound = n / (scale * weights);
    double ofWeights = n / (layout.block(Kind.WEIGHT).scale() * weights);
    float[] mean = aggregate.mean();
    assertThat(mean).hasSize(PARAMETERS);
    for (int i = 0; i < PARAMETERS; i++) {
      double exact = plain[i] / weights;
      double allowed = bound + Math.abs(exact) * 1.01 * ofWeights + Math.ulp((float) exact);
      assertThat((double) mean[i]).isCloseTo(exact, within(allowed));
    }
    assertThat(aggregate.contributors()).isEqualTo(n);
  }

  @ParameterizedTest
  @MethodSource("survivorSets")
  void theUnmaskedRingIsTheSumOfTheEncodedUpdatesToTheBit(int survivors) {
    var layout = Sites.layout(PARAMETERS);
    var masks = Sites.Masks.random(~survivors, SITES);
    var accumulator = new SumAccumulator(layout, 1);
    int[] plain = new int[Math.toIntExact(layout.length())];
    for (int site = 0; site < SITES; site++) {
      if ((survivors >> site & 1) == 1) {
        var noised = Sites.noised(site, PARAMETERS);
        accumulator.add(noised.mask(masks.of(site)));
        for (int i = 0; i < plain.length; i++) {
          plain[i] += noised.ring().get(Ring.INT, 4L * i);
        }
      }
    }

    accumulator.remove(masks.remaining(survivors));
    byte[] artifact = accumulator.decode(Integer.bitCount(survivors)).encode();

    var ring = MemorySegment.ofArray(artifact).asSlice(artifact.length - 4L * plain.length);
    assertThat(ring.toArray(Ring.INT)).isEqualTo(plain);
  }

  @Test
  void metricsAddUpAcrossSites() {
    var layout = Sites.layout(PARAMETERS);
    var masks = Sites.Masks.random(1, SITES);
    var accumulator = new SumAccumulator(layout, 1);
    double loss = 0;
    long correct = 0;
    long examples = 0;
    long firstNegatives = 0;
    long lastPositives = 0;
    for (int site = 0; site < SITES; site++) {
      accumulator.add(Sites.noised(site, PARAMETERS).mask(masks.of(site)));
      var metrics = Sites.metrics(site);
      loss += metrics.lossSum();
      correct += metrics.correct();
      examples += metrics.examples();
      firstNegatives += metrics.negatives().getFirst();
      lastPositives += metrics.positives().getLast();
    }

    accumulator.remove(masks.remaining((1 << SITES) - 1));
    var sum = accumulator.decode(SITES).metrics().orElseThrow();

    assertThat(sum.lossSum())
        .isCloseTo(loss, within(SITES / layout.block(Kind.METRICS_LOSS).scale()));
    assertThat(sum.correct()).isEqualTo(correct);
    assertThat(sum.examples()).isEqualTo(examples);
    assertThat(sum.negatives().getFirst()).isEqualTo(firstNegatives);
    assertThat(sum.positives().getLast()).isEqualTo(lastPositives);
  }

  @Test
  void anEvaluationRoundSumsMetricsAndHasNoMean() {
    var layout = Sites.layout(RunKind.EVALUATE, PARAMETERS);
    var masks = Sites.Masks.random(1, 3);
    var accumulator = new SumAccumulator(layout, 1);
    for (int site = 0; site < 3; site++) {
      accumulator.add(
          LocalUpdate.ofMetrics(Sites.metrics(site))
              .clip(Sites.CLIP_NORM)
              .encode(layout, Sites.roundingKey(site))
              .noise(new Noise.None())
              .mask(masks.of(site)));
    }

    accumulator.remove(masks.remaining(0b111));
    var aggregate = accumulator.decode(3);

    assertThat(aggregate.mean()).isEmpty();
    assertThat(aggregate.metrics().orElseThrow().examples())
        .isEqualTo(IntStream.range(0, 3).mapToLong(site -> Sites.metrics(site).examples()).sum());
  }

  @Test
  void theNumberOfThreadsAndTheSourceOfTheBytesChangeNothing() throws IOException {
    int large = 300_000;
    var layout = Sites.layout(large);
    var masks = Sites.Masks.random(9, 3);
    var sequential = new SumAccumulator(layout, 1);
    var parallel = new SumAccumulator(layout, 3);
    for (int site = 0; site < 2; site++) {
      var masked = Sites.noised(site, large).mask(masks.of(site));
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
  void oneMaskLeftOnIsNoticed() {
    var layout = Sites.layout(PARAMETERS);
    var masks = Sites.Masks.random(1, 3);
    var accumulator = new SumAccumulator(layout, 1);
    for (int site = 0; site < 3; site++) {
      accumulator.add(Sites.noised(site, PARAMETERS).mask(masks.of(site)));
    }
    var remaining = masks.remaining(0b111);

    accumulator.remove(remaining.subList(1, remaining.size()));

    assertThatThrownBy(() -> accumulator.decode(3)).isInstanceOf(RejectedSum.class);
  }

  @ParameterizedTest
  @ValueSource(ints = {-4, -1, 1, 4})
  void aFileOneElementOrByteOffIsRefused(int off) throws IOException {
    var layout = Sites.layout(PARAMETERS);
    var accumulator = new SumAccumulator(layout, 1);
    int length = Math.toIntExact(layout.byteLength());
    var file = Files.write(folder.resolve("vector"), new byte[length + off]);

    assertThatIllegalArgumentException()
        .isThrownBy(() -> accumulator.add(file))
        .withMessage("masked vector of %d bytes: the layout has %d", length + off, length);
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, 1})
  void aVectorOfOneParameterMoreOrLessIsRefused(int off) {
    var accumulator = new SumAccumulator(Sites.layout(PARAMETERS), 1);
    var masked = Sites.noised(1, PARAMETERS + off).mask(Sites.Masks.random(1, 2).of(0));

    assertThatIllegalArgumentException()
        .isThrownBy(() -> accumulator.add(masked))
        .withMessage("masked vector of another layout than the sum's");
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3})
  void afterAFailureHalfWayTheSumIsRefused(int parallelism) {
    int large = 300_000;
    var masks = Sites.Masks.random(1, 3);
    var accumulator = new SumAccumulator(Sites.layout(large), parallelism);
    accumulator.add(Sites.noised(1, large).mask(masks.of(0)));
    var remaining = masks.remaining(0b001);

    remaining.getLast().key().destroy();

    assertThatThrownBy(() -> accumulator.remove(remaining))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("mask key was destroyed");
    assertThatThrownBy(() -> accumulator.decode(1))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("an earlier operation failed: begin a new sum");
  }
}
