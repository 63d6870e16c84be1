package dev.comity.update;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LocalUpdateTest {
  private static final Metrics METRICS = Metrics.withoutHistograms(1, 1, 2);

  @ParameterizedTest
  @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY})
  void anElementThatIsNotFiniteMeansDivergedAndIsNotNamed(float bad) {
    float[] delta = new float[1000];
    delta[777] = bad;

    assertThatThrownBy(() -> LocalUpdate.of(delta, 1, METRICS))
        .isInstanceOf(DivergedException.class)
        .hasMessage(
            "a weight of the local model is not finite: training diverged; lower the learning rate"
                + " of the run");
  }

  @Test
  void aLossThatIsNotFiniteMeansDiverged() {
    assertThatThrownBy(() -> Metrics.withoutHistograms(Double.NaN, 0, 1))
        .isInstanceOf(DivergedException.class)
        .hasMessageStartingWith("the loss is not finite");
  }

  @ParameterizedTest
  @ValueSource(doubles = {Double.NaN, Double.POSITIVE_INFINITY})
  void aWeightThatIsNotFiniteMeansDiverged(double weight) {
    assertThatThrownBy(() -> LocalUpdate.of(new float[1], weight, METRICS))
        .isInstanceOf(DivergedException.class);
  }

  @ParameterizedTest
  @ValueSource(doubles = {0, -0.5, 1.0000001})
  void aWeightOutsideOfZeroToOneIsRefused(double weight) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> LocalUpdate.of(new float[1], weight, METRICS))
        .withMessageContaining("must be in (0, 1]");
  }

  @ParameterizedTest
  @ValueSource(doubles = {0, -1, Double.NaN, Double.POSITIVE_INFINITY})
  void aClipNormThatBoundsNothingIsRefused(double clipNorm) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> LocalUpdate.of(new float[1], 1, METRICS).clip(clipNorm))
        .withMessage("clipNorm %s: must be finite and > 0; set clipNorm in the run", clipNorm);
  }

  @Test
  void anUpdateInsideTheBallIsNotTouched() {
    var clipped = LocalUpdate.of(new float[] {0.3f, -0.4f}, 1, METRICS).clip(0.6);

    assertThat(clipped.coordinate(0, 0.6)).isEqualTo(0.3f);
    assertThat(clipped.coordinate(1, 0.6)).isEqualTo(-0.4f);
  }

  @Test
  void anUpdateOutsideTheBallIsScaledOntoIt() {
    var clipped = LocalUpdate.of(new float[] {30f, -40f}, 1, METRICS).clip(2.5);

    assertThat(clipped.coordinate(0, 2.5)).isCloseTo(1.5, within(1e-12));
    assertThat(clipped.coordinate(1, 2.5)).isCloseTo(-2.0, within(1e-12));
  }

  @Test
  void theUpdateIsACopyOfTheArrayItWasGiven() {
    float[] delta = {1f};
    var update = LocalUpdate.of(delta, 1, METRICS);

    delta[0] = 100f;

    assertThat(update.clip(2).coordinate(0, 2)).isEqualTo(1.0);
  }

  @Test
  void metricsThatContradictThemselvesAreRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Metrics.withoutHistograms(1, 3, 2))
        .withMessage("correct must be between 0 and examples");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Metrics.withoutHistograms(-1, 1, 2))
        .withMessage("lossSum must be >= 0");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Metrics(1, 1, 2, List.of(1L), List.of(1L)))
        .withMessage("histograms have 1 and 1 bins: both must have 0 or 32");
  }

  @Test
  void metricsShowNoFigures() {
    assertThat(Metrics.withoutHistograms(12345.5, 777, 8888).toString())
        .isEqualTo("Metrics[redacted]");
  }
}
