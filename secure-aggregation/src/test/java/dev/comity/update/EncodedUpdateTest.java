package dev.comity.update;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import dev.comity.plan.Architecture;
import dev.comity.plan.Encoding;
import dev.comity.plan.RunId;
import dev.comity.plan.RunKind;
import dev.comity.plan.VectorLayout;
import dev.comity.plan.VectorLayout.Kind;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EncodedUpdateTest {
  private static final Metrics METRICS = Sites.metrics(3);

  @Test
  void roundingIsUnbiased() {
    int parameters = 200_000;
    var layout = Sites.layout(parameters);
    double scale = layout.block(Kind.UPDATE).scale();
    float value = (float) (1000.3 / scale);
    double exact = scale * value;
    float[] delta = new float[parameters];
    Arrays.fill(delta, value);

    var encoded =
        LocalUpdate.of(delta, 1, METRICS)
            .clip(Sites.CLIP_NORM)
            .encode(layout, Sites.roundingKey(1));

    double sum = 0;
    for (int i = 0; i < parameters; i++) {
      int z = encoded.coordinate(i);
      assertThat(z).isBetween((int) Math.floor(exact), (int) Math.ceil(exact));
      sum += z;
    }
    double fraction = exact - Math.floor(exact);
    double deviation = Math.sqrt(fraction * (1 - fraction) / parameters);
    assertThat(sum / parameters).isCloseTo(exact, within(5 * deviation));
  }

  @ParameterizedTest
  @ValueSource(floats = {1f, -1f})
  void noCoordinateLeavesTheRangeOfItsPrecision(float sign) {
    for (int seed = 0; seed < 200; seed++) {
      var layout = Sites.layout(2);
      float[] delta = {sign * Sites.delta(seed, 2)[0] * 1e20f, 0};

      var encoded =
          LocalUpdate.of(delta, 1, METRICS)
              .clip(Sites.CLIP_NORM)
              .encode(layout, Sites.roundingKey(seed));

      for (long i = 0; i < layout.length(); i++) {
        assertThat(Math.abs(encoded.coordinate(i))).isLessThanOrEqualTo((1 << 22) - 1);
      }
      assertThat(Math.abs(encoded.coordinate(0))).isGreaterThanOrEqualTo((1 << 22) - 2);
    }
  }

  @Test
  void countZerosAndIntegerMetricsAreExact() {
    var layout = Sites.layout(10);

    var encoded = Sites.clipped(3, 10).encode(layout, Sites.roundingKey(3));

    assertThat(encoded.coordinate(layout.block(Kind.COUNT).offset())).isEqualTo(1);
    var zeros = layout.block(Kind.ZEROS);
    assertThat(zeros.length()).isEqualTo(4);
    for (long i = 0; i < zeros.length(); i++) {
      assertThat(encoded.coordinate(zeros.offset() + i)).isZero();
    }
    var counts = layout.block(Kind.METRICS_COUNTS);
    int scale = (int) counts.scale();
    assertThat(encoded.coordinate(counts.offset())).isEqualTo(METRICS.correct() * scale);
    assertThat(encoded.coordinate(counts.offset() + 1)).isEqualTo(METRICS.examples() * scale);
    assertThat(encoded.coordinate(counts.offset() + 2))
        .isEqualTo(METRICS.negatives().getFirst() * scale);
    assertThat(encoded.coordinate(counts.offset() + counts.length() - 1))
        .isEqualTo(METRICS.positives().getLast() * scale);
  }

  @Test
  void theLossIsRoundedToOneUnitOfItsBlock() {
    var layout = Sites.layout(10);
    var loss = layout.block(Kind.METRICS_LOSS);

    var encoded = Sites.clipped(3, 10).encode(layout, Sites.roundingKey(3));

    assertThat(encoded.coordinate(loss.offset()))
        .isCloseTo((int) (METRICS.lossSum() * loss.scale()), within(1));
  }

  @Test
  void theUpdateBlockCarriesTheWeightedUpdate() {
    int parameters = 50;
    var layout = Sites.layout(parameters);
    var clipped = Sites.clipped(2, parameters);

    var encoded = clipped.encode(layout, Sites.roundingKey(2));

    double scale = layout.block(Kind.UPDATE).scale();
    for (int i = 0; i < parameters; i++) {
      double exact = scale * Sites.weight(2) * clipped.coordinate(i, Sites.CLIP_NORM);
      assertThat((double) encoded.coordinate(i)).isCloseTo(exact, within(1.0));
    }
    double weight = layout.block(Kind.WEIGHT).scale() * Sites.weight(2);
    assertThat((double) encoded.coordinate(layout.block(Kind.WEIGHT).offset()))
        .isCloseTo(weight, within(1.0));
  }

  @Test
  void anEvaluationCarriesMetricsAlone() {
    var layout = Sites.layout(RunKind.EVALUATE, 10);

    var encoded = LocalUpdate.ofMetrics(METRICS).clip(1).encode(layout, Sites.roundingKey(3));

    assertThat(layout.block(Kind.UPDATE).length()).isZero();
    assertThat(encoded.coordinate(0)).isEqualTo(1);
  }

  @Test
  void theSameUpdateAndKeyGiveTheSameElements() {
    var layout = Sites.layout(300);

    var first = Sites.clipped(5, 300).encode(layout, Sites.roundingKey(5));
    var second = Sites.clipped(5, 300).encode(layout, Sites.roundingKey(5));

    for (long i = 0; i < layout.length(); i++) {
      assertThat(second.coordinate(i)).isEqualTo(first.coordinate(i));
    }
  }

  @Test
  void everyPartOfTheRoundingKeyChangesTheRounding() {
    var layout = Sites.layout(300);
    byte[] secret = new byte[32];
    byte[] otherSecret = new byte[32];
    otherSecret[31] = 1;
    var run = new RunId(new UUID(1, 2));
    float[] base = {1};
    RoundingKey[] keys = {
      RoundingKey.derive(secret, run, RunKind.TRAIN, 0, base),
      RoundingKey.derive(otherSecret, run, RunKind.TRAIN, 0, base),
      RoundingKey.derive(secret, new RunId(new UUID(1, 3)), RunKind.TRAIN, 0, base),
      RoundingKey.derive(secret, run, RunKind.EVALUATE, 0, base),
      RoundingKey.derive(secret, run, RunKind.TRAIN, 1, base),
      RoundingKey.derive(secret, run, RunKind.TRAIN, 0, new float[] {2})
    };

    var vectors =
        Arrays.stream(keys).map(key -> elements(Sites.clipped(5, 300), layout, key)).toList();

    assertThat(vectors).doesNotHaveDuplicates();
  }

  @ParameterizedTest
  @ValueSource(ints = {99, 101})
  void aLayoutOfAnotherLengthIsRefused(int parameters) {
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> Sites.clipped(1, 100).encode(Sites.layout(parameters), Sites.roundingKey(1)))
        .withMessage(
            "block UPDATE holds %d parameters in the layout: this update has 100", parameters);
  }

  @Test
  void moreExamplesThanThePlanAllowsAreRefusedWithoutBeingNamed() {
    var tooMany = Metrics.withoutHistograms(1, 1, 1234567);
    var layout =
        VectorLayout.of(
            RunKind.EVALUATE,
            new Architecture("mlp", List.of(3, 2, 4)),
            new Encoding(32, 512),
            1,
            1000,
            20);

    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> LocalUpdate.ofMetrics(tooMany).clip(1).encode(layout, Sites.roundingKey(1)))
        .withMessage(
            "coordinate 1 of block METRICS_COUNTS is above its bound 1000.0: raise maxExamples in"
                + " the run");
  }

  private static List<Integer> elements(
      ClippedUpdate update, VectorLayout layout, RoundingKey key) {
    var encoded = update.encode(layout, key);
    return LongStream.range(0, layout.length()).mapToObj(encoded::coordinate).toList();
  }
}
