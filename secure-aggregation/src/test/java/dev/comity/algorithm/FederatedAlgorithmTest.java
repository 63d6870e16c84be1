package dev.comity.algorithm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class FederatedAlgorithmTest {
  private static final Weighting UNIFORM = new Weighting.Uniform();

  static Stream<Arguments> compositions() {
    LocalObjective plain = new LocalObjective.Plain();
    return Stream.of(
        Arguments.of(new FederatedAlgorithm.FedAvg(UNIFORM, 1), plain, new ServerStep.Average(1)),
        Arguments.of(
            new FederatedAlgorithm.FedProx(0.01, UNIFORM, 1),
            new LocalObjective.Proximal(0.01),
            new ServerStep.Average(1)),
        Arguments.of(
            new FederatedAlgorithm.FedAvgM(0.5, 0.9, UNIFORM),
            plain,
            new ServerStep.Momentum(0.5, 0.9)),
        Arguments.of(
            new FederatedAlgorithm.FedAdam(0.01, 0.9, 0.999, 1e-8, UNIFORM),
            plain,
            new ServerStep.Adam(0.01, 0.9, 0.999, 1e-8)),
        Arguments.of(
            new FederatedAlgorithm.FedYogi(0.01, 0.9, 0.999, 1e-8, UNIFORM),
            plain,
            new ServerStep.Yogi(0.01, 0.9, 0.999, 1e-8)),
        Arguments.of(
            new FederatedAlgorithm.FedAdagrad(0.316228, 0.9, 1e-8, UNIFORM),
            plain,
            new ServerStep.Adagrad(0.316228, 0.9, 1e-8)));
  }

  @ParameterizedTest
  @MethodSource("compositions")
  void isComposedOfItsParts(
      FederatedAlgorithm algorithm, LocalObjective objective, ServerStep step) {
    assertThat(algorithm.localObjective()).isEqualTo(objective);
    assertThat(algorithm.weighting()).isEqualTo(UNIFORM);
    assertThat(algorithm.serverStep()).isEqualTo(step);
  }

  static Stream<Arguments> refusals() {
    return Stream.of(
        refusal(() -> new FederatedAlgorithm.FedAvg(UNIFORM, 0), "serverLearningRate must be > 0"),
        refusal(() -> new FederatedAlgorithm.FedProx(-0.1, UNIFORM, 1), "FedProx mu must be >= 0"),
        refusal(() -> new FederatedAlgorithm.FedProx(Double.NaN, UNIFORM, 1), "was NaN"),
        refusal(() -> new FederatedAlgorithm.FedAvgM(1, 1, UNIFORM), "momentum must be in [0, 1)"),
        refusal(
            () -> new FederatedAlgorithm.FedAdam(1e-50, .9, .9, 1, UNIFORM), "finite as float32"),
        refusal(() -> new ServerStep.Adam(1e39, .9, .9, 1), "finite as float32"),
        refusal(() -> new ServerStep.Adam(1, -.1, .9, 1), "Adam beta1 must be in [0, 1)"),
        refusal(() -> new ServerStep.Yogi(1, .9, 1.1, 1), "Yogi beta2 must be in [0, 1)"),
        refusal(() -> new ServerStep.Adagrad(1, .9, 0), "Adagrad tau must be > 0"),
        refusal(() -> new Weighting.ByExamples(0), "ByExamples maxWeight must be >= 1, was 0"),
        refusal(() -> UNIFORM.weight(-1), "a count of examples must be >= 0"));
  }

  @ParameterizedTest
  @MethodSource("refusals")
  void refusesSettingsWithoutMeaning(ThrowingCallable construction, String sentence) {
    assertThatThrownBy(construction)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(sentence);
  }

  @Test
  void weightsAreCappedFractions() {
    Weighting weighting = new Weighting.ByExamples(200);

    assertThat(weighting.weight(0)).isZero();
    assertThat(weighting.weight(50)).isEqualTo(0.25);
    assertThat(weighting.weight(200)).isEqualTo(1);
    assertThat(weighting.weight(Long.MAX_VALUE)).isEqualTo(1);
    assertThat(UNIFORM.weight(0)).isEqualTo(1);
  }

  private static Arguments refusal(ThrowingCallable construction, String sentence) {
    return Arguments.of(construction, sentence);
  }
}
