package dev.comity.formats;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

class BuiltInModelTest {
  @Test
  void logisticRegressionHasOneLinearLayer() {
    var model = BuiltInModel.of("logistic-regression", List.of(13, 1));

    assertThat(model.tensors())
        .containsExactly(
            new TensorShape("linear.weight", List.of(1, 13)),
            new TensorShape("linear.bias", List.of(1)));
    assertThat(model.size()).isEqualTo(14);
  }

  @Test
  void anMlpHasALinearLayerBetweenEveryTwoWidths() {
    var model = BuiltInModel.of("mlp", List.of(784, 128, 10));

    assertThat(model.tensors())
        .containsExactly(
            new TensorShape("fc1.weight", List.of(128, 784)),
            new TensorShape("fc1.bias", List.of(128)),
            new TensorShape("fc2.weight", List.of(10, 128)),
            new TensorShape("fc2.bias", List.of(10)));
    assertThat(model.size()).isEqualTo(101_770);
  }

  /// The bits come from the documented rule, computed apart with whole numbers of any size.
  @Test
  void initialValuesAreTheDocumentedBits() {
    assertBits(
        BuiltInModel.of("logistic-regression", List.of(3, 2)).initialValues(42),
        0x3e8ed094,
        0xbec91031,
        0xbe82e47b,
        0xbe383b26,
        0xbf088f51,
        0x3ed9b2e8,
        0xbea67b11,
        0x3eb1bc4c);
    assertBits(
        BuiltInModel.of("mlp", List.of(2, 3, 1)).initialValues(-7),
        0xbde0f1b7,
        0xbcf77ee3,
        0x3f1359aa,
        0xbef69e23,
        0x3dbee558,
        0x3edeeffe,
        0x3d92a0e5,
        0xbf329b61,
        0xbf2ad470,
        0xbdea3474,
        0x3e0e1ae0,
        0xbc3d0a13,
        0x3eb9689b);
  }

  @Test
  void initialValuesSpreadEvenlyOverTheirRange() {
    var values = BuiltInModel.of("logistic-regression", List.of(100, 1000)).initialValues(1);

    double sum = 0;
    double squares = 0;
    for (float value : values) {
      assertThat(value).isBetween(-0.1f, 0.1f);
      sum += value;
      squares += (double) value * value;
    }
    assertThat(sum / values.length).isBetween(-0.001, 0.001);
    assertThat(squares / values.length).isBetween(0.01 / 3 - 5e-5, 0.01 / 3 + 5e-5);
  }

  @Test
  void whatIsNoModelIsRefusedWithTheLimit() {
    assertRefused(
        "cnn", List.of(1, 2), "unknown model family 'cnn'; known: logistic-regression, mlp");
    assertRefused("logistic-regression", List.of(1, 2, 3), "must be [inputs, outputs]");
    assertRefused("mlp", List.of(4, 2), "without one, use logistic-regression");
    assertRefused("mlp", List.of(4, 0, 2), "every width of mlp [4, 0, 2] must be >= 1");
    assertRefused("mlp", List.of(100_000, 100_000, 2), "the limit is 2147483639");
  }

  private static void assertRefused(String family, List<Integer> widths, String says) {
    assertThatThrownBy(() -> BuiltInModel.of(family, widths))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(says);
  }

  private static void assertBits(float[] values, int... bits) {
    assertThat(values).hasSize(bits.length);
    for (int i = 0; i < bits.length; i++) {
      assertThat(Float.floatToRawIntBits(values[i])).as("element %d", i).isEqualTo(bits[i]);
    }
  }
}
