package dev.comity.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.comity.plan.ParameterLayout.Tensor;
import dev.comity.plan.VectorLayout.Block;
import dev.comity.plan.VectorLayout.Kind;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class LayoutTest {
  private static final Architecture MLP = Architecture.parse("mlp(60,32,10)");
  private static final Architecture BINARY = Architecture.parse("logistic-regression(13,1)");
  private static final Encoding ENCODING = new Encoding(32, 512);

  @Test
  void namesTheTensorsOfAnMlpInOrder() {
    ParameterLayout layout = ParameterLayout.of(MLP);

    assertThat(layout.tensors())
        .containsExactly(
            new Tensor("fc1.weight", List.of(32, 60), 0),
            new Tensor("fc1.bias", List.of(32), 1920),
            new Tensor("fc2.weight", List.of(10, 32), 1952),
            new Tensor("fc2.bias", List.of(10), 2272));
    assertThat(layout.size()).isEqualTo(2282);
  }

  @Test
  void namesTheTensorsOfALogisticRegression() {
    assertThat(ParameterLayout.of(BINARY).tensors())
        .containsExactly(
            new Tensor("linear.weight", List.of(1, 13), 0),
            new Tensor("linear.bias", List.of(1), 13));
  }

  @ParameterizedTest
  @ValueSource(strings = {"mlp(60,32,10)", "logistic-regression(13,1)", "mlp(784,200,200,10)"})
  void anArchitectureReadsWhatItWrites(String text) {
    assertThat(Architecture.parse(text)).hasToString(text);
  }

  @Test
  void refusesGapsRepetitionsAndExcess() {
    Tensor first = new Tensor("a", List.of(2, 3), 0);

    assertThatThrownBy(() -> new ParameterLayout(List.of(first, new Tensor("b", List.of(1), 7))))
        .hasMessageContaining("tensor b at offset 7; must be at 6");
    assertThatThrownBy(() -> new ParameterLayout(List.of(first, new Tensor("a", List.of(1), 6))))
        .hasMessageContaining("tensor a twice");
    assertThatThrownBy(
            () -> new ParameterLayout(List.of(new Tensor("a", List.of(1 << 20, 1 << 20), 0))))
        .hasMessageContaining("more than 1073741824");
    assertThatThrownBy(() ->
            new ParameterLayout(List.of(new Tensor("a", List.of(1 << 30, 1 << 30, 1 << 30), 0))))
        .hasMessageContaining("more than 1073741824");
    assertThatThrownBy(() -> new ParameterLayout(List.of()))
        .hasMessageContaining("at least one tensor");
  }

  @ParameterizedTest
  @CsvSource({"2, 31", "3, 30", "4, 30", "5, 29", "256, 24", "257, 23", "512, 23"})
  void precisionLeavesRoomForTheSumOfTheLargestRoster(int nMax, int precision) {
    Encoding encoding = new Encoding(32, nMax);

    assertThat(encoding.precision()).isEqualTo(precision);
    assertThat(nMax * ((1L << (precision - 1)) - 1)).isLessThan(1L << 31);
    assertThat(nMax * ((1L << precision) - 1)).isGreaterThanOrEqualTo(1L << 31);
  }

  @Test
  void laysOutTheVectorOfATrainingRound() {
    VectorLayout layout = VectorLayout.of(RunKind.TRAIN, BINARY, ENCODING, 2.0, 1000, 20);

    assertThat(layout.precision()).isEqualTo(23);
    assertThat(layout.largestCoordinate()).isEqualTo(4_194_303);
    assertThat(layout.blocks())
        .containsExactly(
            new Block(Kind.UPDATE, 0, 14, 2.0, 4_194_303 / 2.0),
            new Block(Kind.WEIGHT, 14, 1, 1, 4_194_303),
            new Block(Kind.COUNT, 15, 1, 1, 1),
            new Block(Kind.ZEROS, 16, 4, 0, 1),
            new Block(Kind.NORMALISATION, 20, 0, 0, 1),
            new Block(Kind.METRICS_LOSS, 20, 1, 20_000, 4_194_303 / 20_000.0),
            new Block(Kind.METRICS_COUNTS, 21, 66, 1000, 4194),
            new Block(Kind.ENERGY, 87, 0, 0, 1));
    assertThat(layout.length()).isEqualTo(87);
    assertThat(layout.byteLength()).isEqualTo(348);
    assertThat(layout.block(Kind.ZEROS).offset()).isEqualTo(16);
  }

  @Test
  void anEvaluationCarriesNoUpdateAndAModelOfManyClassesNoHistograms() {
    VectorLayout layout = VectorLayout.of(RunKind.EVALUATE, MLP, ENCODING, 2.0, 4_194_303, 20);

    assertThat(layout.block(Kind.UPDATE).length()).isZero();
    assertThat(layout.block(Kind.WEIGHT).length()).isZero();
    assertThat(layout.block(Kind.METRICS_COUNTS))
        .isEqualTo(new Block(Kind.METRICS_COUNTS, 6, 2, 4_194_303, 1));
    assertThat(layout.length()).isEqualTo(8);
  }

  @Test
  void refusesBlocksOutOfPlaceOrBeyondThePrecision() {
    VectorLayout layout = VectorLayout.of(RunKind.EVALUATE, MLP, ENCODING, 2.0, 1000, 20);
    List<Block> swapped = new ArrayList<>(layout.blocks());
    Collections.swap(swapped, 2, 3);
    List<Block> tooLarge = new ArrayList<>(layout.blocks());
    tooLarge.set(2, new Block(Kind.COUNT, 0, 1, 4_194_304, 1));

    assertThatThrownBy(() -> new VectorLayout(32, 23, swapped))
        .hasMessageContaining("block ZEROS at offset 1: must be COUNT at offset 0");
    assertThatThrownBy(() -> new VectorLayout(32, 23, tooLarge))
        .hasMessageContaining("block COUNT: bound 4194304.0 times scale 1.0 exceeds 2^22 - 1");
    assertThatThrownBy(() -> new VectorLayout(32, 23, layout.blocks().subList(0, 7)))
        .hasMessageContaining("7 blocks: a vector has one of each of the 8 kinds");
    assertThatThrownBy(() -> new VectorLayout(32, 32, layout.blocks()))
        .hasMessageContaining("precision 32 of 32 bits");
  }
}
