package dev.comity.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.comity.plan.ParameterLayout.Tensor;
import dev.comity.plan.VectorLayout.Block;
import dev.comity.plan.VectorLayout.Kind;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
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
            new Block(Kind.UPDATE, 0, 14, 2.0, 4_194_303 / 2.0, 1),
            new Block(Kind.WEIGHT, 14, 1, 1, 4_194_303, 1),
            new Block(Kind.COUNT, 15, 1, 1, 1, 1),
            new Block(Kind.ZEROS, 16, 4, 0, 1, 1),
            new Block(Kind.NORMALISATION, 20, 0, 0, 1, 1),
            new Block(Kind.METRICS_LOSS, 20, 1, 20_000, 4_194_303 / 20_000.0, 1),
            new Block(Kind.METRICS_COUNTS, 21, 66, 1000, 4194, 1),
            new Block(Kind.ENERGY, 87, 0, 0, 1, 1));
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
        .isEqualTo(new Block(Kind.METRICS_COUNTS, 6, 2, 4_194_303, 1, 1));
    assertThat(layout.length()).isEqualTo(8);
  }

  @Test
  void refusesBlocksOutOfPlaceOrBeyondThePrecision() {
    VectorLayout layout = VectorLayout.of(RunKind.EVALUATE, MLP, ENCODING, 2.0, 1000, 20);
    List<Block> swapped = new ArrayList<>(layout.blocks());
    Collections.swap(swapped, 2, 3);
    List<Block> tooLarge = new ArrayList<>(layout.blocks());
    tooLarge.set(2, new Block(Kind.COUNT, 0, 1, 4_194_304, 1, 1));

    assertThatThrownBy(() -> new VectorLayout(32, 23, layout.update(), swapped))
        .hasMessageContaining("block ZEROS at offset 1: must be COUNT at offset 0");
    assertThatThrownBy(() -> new VectorLayout(32, 23, layout.update(), tooLarge))
        .hasMessageContaining("block COUNT: bound 4194304.0 times scale 1.0 exceeds 2^22 - 1");
    assertThatThrownBy(
            () -> new VectorLayout(32, 23, layout.update(), layout.blocks().subList(0, 7)))
        .hasMessageContaining("7 blocks: a vector has one of each of the 8 kinds");
    assertThatThrownBy(() -> new VectorLayout(32, 32, layout.update(), layout.blocks()))
        .hasMessageContaining("precision 32 of 32 bits");
  }

  @ParameterizedTest
  @CsvSource({
    "32, 512, 23, 1",
    "24, 512, 15, 2",
    "24, 8, 21, 2",
    "16, 512, 7, 4",
    "16, 8, 13, 2",
    "16, 10000, 2, 22",
    "32, 10000, 18, 2"
  })
  void weightsAndMetricsKeepTwentyTwoBitsInEveryRing(int bits, int nMax, int precision, int limbs) {
    VectorLayout layout =
        VectorLayout.of(RunKind.TRAIN, BINARY, new Encoding(bits, nMax), 2.0, 10_000, 20);

    assertThat(layout.precision()).isEqualTo(precision);
    assertThat(layout.block(Kind.WEIGHT).limbs()).isEqualTo(limbs);
    assertThat(layout.block(Kind.METRICS_COUNTS).values()).isEqualTo(66);
    assertThat(layout.block(Kind.METRICS_COUNTS).length()).isEqualTo(66L * limbs);
    assertThat(layout.block(Kind.METRICS_LOSS).values()).isEqualTo(1);
    assertThat(layout.block(Kind.WEIGHT).scale()).isGreaterThanOrEqualTo(4_194_303);
    assertThat(layout.block(Kind.ZEROS).length() * bits).isBetween(128L, 127L + bits);
    assertThat(nMax)
        .as("the count fits the ring")
        .isLessThanOrEqualTo((int) ((1L << (bits - 1)) - 1));
    assertThat(layout.byteLength()).isEqualTo(layout.length() * bits / 8);
  }

  @ParameterizedTest
  @CsvSource({"32, 14, false", "24, 14, false", "16, 16, true"})
  void onlyTheNarrowestRingRotatesWithoutNoise(int bits, long length, boolean rotated) {
    VectorLayout layout =
        VectorLayout.of(RunKind.TRAIN, BINARY, new Encoding(bits, 8), 2.0, 1000, 20);

    assertThat(layout.block(Kind.UPDATE).length()).isEqualTo(length);
    assertThat(layout.update().parameters()).isEqualTo(14);
    assertThat(layout.update().norm()).isEqualTo(2.0);
    assertThat(layout.update().rotation().isPresent()).isEqualTo(rotated);
  }

  @Test
  void rotationNarrowsTheBoundOfACoordinate() {
    var layout = VectorLayout.of(RunKind.TRAIN, MLP, new Encoding(16, 8), 2.0, 1000, 20);

    var update = layout.block(Kind.UPDATE);
    assertThat(update.length()).isEqualTo(4096);
    double bound = 2 * Math.sqrt(2 * Math.log(2 * 4096 / 1e-3) / 4096);
    assertThat(update.bound()).isCloseTo(bound, within(1e-12));
    assertThat(update.bound() * update.scale()).isCloseTo(4095, within(1e-9));
  }

  @Test
  void aRotationIsFreshInEveryRoundAndTheSameForTheSameBase() {
    var layout = VectorLayout.of(RunKind.TRAIN, BINARY, new Encoding(16, 8), 2.0, 1000, 20);
    var other = new RunId(new UUID(1, 2));

    var first = layout.forRound(Plans.RUN, 3);

    assertThat(layout.forRound(Plans.RUN, 3)).isEqualTo(first);
    assertThat(List.of(layout, first, layout.forRound(Plans.RUN, 4), layout.forRound(other, 3)))
        .doesNotHaveDuplicates();
    assertThat(first.blocks()).isEqualTo(layout.blocks());
  }

  @ParameterizedTest
  @ValueSource(ints = {8, 20, 31, 33, 64})
  void refusesAnotherWidth(int bits) {
    VectorLayout layout = VectorLayout.of(RunKind.EVALUATE, MLP, ENCODING, 2.0, 1000, 20);

    assertThatThrownBy(() -> new VectorLayout(bits, 7, layout.update(), layout.blocks()))
        .hasMessage("encoding.bits %d: must be one of the presets 32, 24, 16", bits);
  }

  @Test
  void refusesABlockThatDoesNotHoldTheUpdateOrCutsAValue() {
    VectorLayout layout = VectorLayout.of(RunKind.TRAIN, BINARY, ENCODING, 2.0, 1000, 20);
    var longer = new VectorLayout.Update(15, 2, Optional.empty(), 0);
    var rotated = new VectorLayout.Update(14, 2, Optional.of(Digest.of(new byte[1])), 0);

    assertThatThrownBy(() -> new VectorLayout(32, 23, longer, layout.blocks()))
        .hasMessage("block UPDATE of 14 elements in 1 limbs: must be 15 in 1");
    assertThatThrownBy(() -> new VectorLayout(32, 23, rotated, layout.blocks()))
        .hasMessage("block UPDATE of 14 elements in 1 limbs: must be 16 in 1");
    assertThatThrownBy(() -> new Block(Kind.WEIGHT, 0, 3, 1, 1, 2))
        .hasMessage("block WEIGHT: length 3 must be a multiple of its 2 limbs");
  }
}
