package dev.comity.registry;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comity.formats.BuiltInModel;
import dev.comity.formats.TensorShape;
import dev.comity.plan.Architecture;
import dev.comity.plan.ParameterLayout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BuiltInLayoutTest {
  @ParameterizedTest
  @ValueSource(strings = {"logistic-regression(13,1)", "mlp(60,32,10)", "mlp(784,128,64,10)"})
  void thePlansLayoutIsTheOneOfTheModelsFile(String text) {
    var architecture = Architecture.parse(text);

    var layout = ParameterLayout.of(architecture);
    var model = BuiltInModel.of(architecture.family(), architecture.widths());

    assertThat(layout.tensors().stream().map(t -> new TensorShape(t.name(), t.shape())))
        .containsExactlyElementsOf(model.tensors());
    assertThat(layout.size()).isEqualTo(model.size());
  }
}
