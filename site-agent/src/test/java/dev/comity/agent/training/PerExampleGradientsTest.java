package dev.comity.agent.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.comity.formats.BuiltInModel;
import dev.comity.plan.Architecture;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class PerExampleGradientsTest {
  private static final int COUNT = 150; // three micro-batches, the last one short
  private static final double NO_CLIP = 1e9;

  static Stream<Architecture> architectures() {
    return Stream.of(
        TrainingCases.logistic(13),
        new Architecture(Architecture.LOGISTIC_REGRESSION, List.of(5, 3)),
        TrainingCases.mlp(13, 8, 1),
        TrainingCases.mlp(6, 16, 4),
        TrainingCases.mlp(7, 12, 9, 3));
  }

  @ParameterizedTest
  @MethodSource("architectures")
  void ghostNormsAreThoseOfTheLoop(Architecture architecture) {
    var examples = examples(architecture, 1);
    for (int row = 0; row < COUNT; row++) {
      double ghost = norm(sum(Way.GHOST, architecture, examples, NO_CLIP, row));
      double loop = norm(sum(Way.LOOP, architecture, examples, NO_CLIP, row));

      assertThat(ghost).isCloseTo(loop, within(1e-6 * loop + 1e-9));
    }
  }

  @ParameterizedTest
  @MethodSource("architectures")
  void ghostSumsOfClippedGradientsAreThoseOfTheLoop(Architecture architecture) {
    var examples = examples(architecture, 2);
    int[] all = IntStream.range(0, COUNT).toArray();
    for (double clip : new double[] {0.01, 1, NO_CLIP}) {
      double[] ghost = sum(Way.GHOST, architecture, examples, clip, all);
      double[] loop = sum(Way.LOOP, architecture, examples, clip, all);

      assertThat(norm(difference(ghost, loop))).isLessThan(1e-6 * Math.min(clip, 1) * COUNT);
    }
  }

  @ParameterizedTest
  @MethodSource("architectures")
  void aGradientAboveTheClipNormHasThatNormAndOneBelowIsUntouched(Architecture architecture) {
    var examples = examples(architecture, 3);
    double clip =
        IntStream.range(0, COUNT)
            .mapToDouble(row -> norm(sum(Way.GHOST, architecture, examples, NO_CLIP, row)))
            .sorted()
            .toArray()[COUNT / 2];
    int clipped = 0;
    for (int row = 0; row < COUNT; row++) {
      double[] whole = sum(Way.GHOST, architecture, examples, NO_CLIP, row);
      double[] bounded = sum(Way.GHOST, architecture, examples, clip, row);

      if (norm(whole) >= clip) {
        clipped++;
        assertThat(norm(bounded)).isLessThanOrEqualTo(clip).isCloseTo(clip, within(2e-6 * clip));
      } else {
        assertThat(bounded).isEqualTo(whole);
      }
    }
    assertThat(clipped).isBetween(1, COUNT - 1);
  }

  @ParameterizedTest
  @MethodSource("architectures")
  void oneExampleMoreChangesTheSumByAtMostTheClipNorm(Architecture architecture) {
    var examples = examples(architecture, 4);
    double clip = 0.05;
    for (int without = 0; without < COUNT; without += 7) {
      int left = without;
      int[] others = IntStream.range(0, COUNT).filter(row -> row != left).toArray();
      double[] change =
          difference(
              sum(Way.GHOST, architecture, examples, clip, IntStream.range(0, COUNT).toArray()),
              sum(Way.GHOST, architecture, examples, clip, others));

      assertThat(norm(change)).isLessThanOrEqualTo(clip);
    }
  }

  @ParameterizedTest
  @MethodSource("architectures")
  void theGradientOfAnExampleDoesNotDependOnItsCompany(Architecture architecture) {
    var examples = examples(architecture, 5);
    var alone = new ArrayList<double[]>();
    for (int row = 0; row < 64; row++) {
      alone.add(sum(Way.GHOST, architecture, examples, 1, row));
    }
    var order = new ArrayList<>(IntStream.range(0, 64).boxed().toList());
    for (int shuffle = 0; shuffle < 10; shuffle++) {
      Collections.shuffle(order, new Random(shuffle));
      int[] rows = order.stream().mapToInt(Integer::intValue).toArray();
      double[] together = sum(Way.GHOST, architecture, examples, 1, rows);
      var expected = new double[together.length];
      alone.forEach(each -> IntStream.range(0, each.length).forEach(i -> expected[i] += each[i]));

      assertThat(norm(difference(together, expected))).isLessThan(1e-12);
    }
  }

  @ParameterizedTest
  @MethodSource("architectures")
  void anExampleThatIsNotFiniteOrOfAnUnknownClassAddsNothing(Architecture architecture) {
    int width = architecture.inputs();
    for (var way : Way.values()) {
      for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.MAX_VALUE}) {
        var features = new float[2 * width];
        features[0] = bad;
        features[width] = 1;
        var examples = new Examples(width, features, new int[] {0, 0});

        double[] both = sum(way, architecture, examples, 1, 0, 1);

        assertThat(both).doesNotContain(Double.NaN);
        double[] bounded = difference(both, sum(way, architecture, examples, 1, 1));
        assertThat(norm(bounded)).isLessThanOrEqualTo(1);
        if (!Float.isFinite(bad)) {
          assertThat(norm(bounded)).isLessThan(1e-12);
        }
      }
      var unknown = new Examples(width, new float[width], new int[] {1000});
      assertThat(norm(sum(way, architecture, unknown, 1, 0))).isZero();
    }
  }

  @Test
  void anEmptySampleAddsNothing() {
    var architecture = TrainingCases.logistic(13);

    assertThat(norm(sum(Way.GHOST, architecture, examples(architecture, 6), 1))).isZero();
  }

  private enum Way {
    GHOST,
    LOOP
  }

  private static double[] sum(
      Way way, Architecture architecture, Examples examples, double clip, int... rows) {
    try (var model = new TorchModel(architecture, 64)) {
      model
          .values()
          .put(0, BuiltInModel.of(architecture.family(), architecture.widths()).initialValues(9));
      PerExampleGradients gradients =
          switch (way) {
            case GHOST -> new GhostClipping(model, architecture, clip);
            case LOOP -> new ExampleLoop(model, architecture, clip);
          };
      var sum = new double[model.values().capacity()];
      gradients.addClipped(examples, rows, sum);
      return sum;
    }
  }

  private static Examples examples(Architecture architecture, long seed) {
    return TrainingCases.examples(
        seed, COUNT, architecture.inputs(), architecture.binary() ? 2 : architecture.outputs());
  }

  private static double[] difference(double[] left, double[] right) {
    return IntStream.range(0, left.length).mapToDouble(i -> left[i] - right[i]).toArray();
  }

  private static double norm(double[] vector) {
    double squares = 0;
    for (double each : vector) {
      squares += each * each;
    }
    return Math.sqrt(squares);
  }
}
