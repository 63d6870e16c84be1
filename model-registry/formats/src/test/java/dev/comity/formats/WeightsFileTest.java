package dev.comity.formats;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class WeightsFileTest {
  private static final BuiltInModel MODEL = BuiltInModel.of("mlp", List.of(5, 4, 3));
  private static final WeightsProvenance START = WeightsProvenance.initial("run-1");

  @Test
  void flatValuesComeBackBitForBit() {
    var values = MODEL.initialValues(11);

    var bytes = WeightsFile.encode(MODEL.tensors(), values, START).toBytes();

    assertThat(WeightsFile.decode(MODEL.tensors(), SafetensorsFile.of(bytes)))
        .containsExactly(values);
  }

  @Test
  void theSameWeightsAndProvenanceAreTheSameBytes() {
    var provenance = WeightsProvenance.ofRound("run-1", 3, "aa", "bb");

    var first = WeightsFile.encode(MODEL.tensors(), MODEL.initialValues(1), provenance).toBytes();
    var again = WeightsFile.encode(MODEL.tensors(), MODEL.initialValues(1), provenance).toBytes();

    assertThat(again).isEqualTo(first);
    assertThat(SafetensorsFile.of(first).metadata())
        .isEqualTo(
            Map.of("format", "pt", "run", "run-1", "round", "3", "plan", "aa", "parent", "bb"));
  }

  @Test
  void tensorsAreFoundByNameWhateverTheirOrderInTheFile() {
    var bytes =
        new SafetensorsWriter()
            .floats("linear.bias", List.of(1L), new float[] {3})
            .floats("linear.weight", List.of(1L, 2L), new float[] {1, 2})
            .toBytes();

    var layout = BuiltInModel.of("logistic-regression", List.of(2, 1)).tensors();

    assertThat(WeightsFile.decode(layout, SafetensorsFile.of(bytes))).containsExactly(1, 2, 3);
  }

  @Test
  void aFileThatIsNotOfTheLayoutIsRefusedByTensor() {
    var layout = BuiltInModel.of("logistic-regression", List.of(2, 1)).tensors();
    var weight = new float[] {1, 2};
    var bias = new float[] {3};

    assertRefused(
        layout,
        new SafetensorsWriter().floats("linear.weight", List.of(1L, 2L), weight),
        "the file has no tensor \"linear.bias\"; the layout has it with shape [1]");
    assertRefused(
        layout,
        new SafetensorsWriter()
            .floats("linear.weight", List.of(2L, 1L), weight)
            .floats("linear.bias", List.of(1L), bias),
        "tensor \"linear.weight\" has shape [2, 1]; the layout has it with shape [1, 2]");
    assertRefused(
        layout,
        new SafetensorsWriter()
            .floats("linear.weight", List.of(1L, 2L), weight)
            .floats("linear.bias", List.of(1L), bias)
            .floats("extra", List.of(1L), bias),
        "tensor \"extra\" is not in the layout, which has [linear.weight, linear.bias]");
    assertRefused(
        layout,
        new SafetensorsWriter()
            .floats("linear.weight", List.of(1L, 2L), new float[] {1, Float.NaN})
            .floats("linear.bias", List.of(1L), bias),
        "tensor \"linear.weight\": element 1 is not finite");
  }

  @Test
  void aVectorOfAnotherLengthIsNotWritten() {
    assertThatThrownBy(() -> WeightsFile.encode(MODEL.tensors(), new float[38], START))
        .hasMessage("38 values for tensors of 39 elements");
  }

  @Test
  void theOptimizersStateComesBackBitForBit() {
    var first = new float[] {1, -0f, 3};
    var second = new float[] {0, 0.5f, Float.MAX_VALUE};

    var bytes = OptimizerStateFile.encode(first, second, START).toBytes();
    var state = OptimizerStateFile.decode(3, SafetensorsFile.of(bytes));

    assertThat(state.firstMoment()).containsExactly(first);
    assertThat(state.secondMoment()).containsExactly(second);
  }

  @Test
  void theOptimizersStateOfAnotherModelIsRefused() {
    var bytes = OptimizerStateFile.encode(new float[3], new float[3], START).toBytes();

    assertThatThrownBy(() -> OptimizerStateFile.decode(4, SafetensorsFile.of(bytes)))
        .isInstanceOf(MalformedSafetensorsException.class)
        .hasMessage("tensor \"m\" has shape [3]; the layout has it with shape [4]");
    assertThatThrownBy(() -> OptimizerStateFile.encode(new float[3], new float[2], START))
        .hasMessageContaining("m has 3 elements, v has 2");
  }

  @Test
  void planAndParentBelongToEveryRoundFromTheFirst() {
    assertThatThrownBy(() -> WeightsProvenance.ofRound("run-1", 0, "aa", "bb"))
        .hasMessageContaining("round 0 of run run-1: plan and parent belong");
  }

  private static void assertRefused(
      List<TensorShape> layout, SafetensorsWriter writer, String says) {
    var file = SafetensorsFile.of(writer.toBytes());
    assertThatThrownBy(() -> WeightsFile.decode(layout, file))
        .isInstanceOf(MalformedSafetensorsException.class)
        .hasMessage(says);
  }
}
