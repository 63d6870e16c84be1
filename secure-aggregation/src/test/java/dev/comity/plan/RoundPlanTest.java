package dev.comity.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.comity.algorithm.LocalObjective;
import dev.comity.algorithm.Weighting;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class RoundPlanTest {
  static Stream<Arguments> refusals() {
    return Stream.of(
        refusal(
            p -> p.minReady = 3,
            "minReady 3: a sum needs minSurvivors 4 at nC 1 and minHonest 3; raise minReady to 4 or lower nC"),
        refusal(p -> p.minReady = 6, "minReady 6: must be 1 to 5"),
        refusal(
            p -> p.minHonest = 2,
            "minHonest 2: must be >= 3 without record-level differential privacy"),
        refusal(p -> p.nC = -1, "nC -1: must be >= 0"),
        refusal(p -> p.round = 0, "round 0: must be >= 1"),
        refusal(p -> p.cohort = List.of(new SiteId("a"), new SiteId("a")), "a site is named twice"),
        refusal(
            p -> p.encoding = new Encoding(32, 4),
            "cohort of 5 sites: encoding.nMax is 4 and the bit budget holds no more"),
        refusal(p -> p.clipNorm = 0, "clipNorm 0.0: must be > 0 and finite; set clipNorm"),
        refusal(p -> p.clipNorm = -1, "clipNorm -1.0"),
        refusal(p -> p.clipNorm = Double.NaN, "clipNorm NaN"),
        refusal(p -> p.clipNorm = Double.POSITIVE_INFINITY, "clipNorm Infinity"),
        refusal(p -> p.lossCap = 0, "lossCap 0.0: must be > 0"),
        refusal(p -> p.maxExamples = 0, "maxExamples 0: must be 1 to 4194303"),
        refusal(
            p -> p.maxExamples = 4_194_304,
            "maxExamples 4194304: must be 1 to 4194303 (2^22 - 1), the largest count that 32 bits hold for nMax 512 sites"),
        refusal(
            p -> p.encoding = new Encoding(31, 512),
            "encoding.bits 31: must be one of the presets 32, 24, 16"),
        refusal(
            p -> {
              p.encoding = new Encoding(16, 8);
              p.maxExamples = 1 << 24;
            },
            "maxExamples 16777216: must be 1 to 16777215 (2^24 - 1), the largest count that 16 bits hold for nMax 8 sites"),
        refusal(
            p -> {
              p.encoding = new Encoding(16, 8);
              p.vector =
                  Optional.of(
                      VectorLayout.of(
                              RunKind.TRAIN, p.architecture, p.encoding, p.clipNorm, 10_000, 20)
                          .forRound(Plans.RUN, 1));
            },
            "vector: not the layout that"),
        refusal(
            p -> {
              p.distributed(0.0005, 3);
              p.encoding = new Encoding(16, 8);
            },
            "noise.noiseMultiplier 5.0E-4: each site's noise would have a deviation of"),
        refusal(
            p -> {
              p.distributed(1e6, 3);
              p.encoding = new Encoding(16, 8);
            },
            "noise.noiseMultiplier 1000000.0: the noise of 8 sites on 128 coordinates does not fit a ring of 16 bits; raise encoding.bits"),
        refusal(
            p -> p.encoding = new Encoding(32, 10_001), "encoding.nMax 10001: must be 2 to 10000"),
        refusal(
            p -> p.architecture = new Architecture("cnn", List.of(28, 10)),
            "architecture.family \"cnn\": unknown; choose logistic-regression or mlp"),
        refusal(
            p -> p.architecture = new Architecture(Architecture.MLP, List.of(13, 1)),
            "architecture.widths [13, 1]: mlp has"),
        refusal(
            p ->
                p.architecture = new Architecture(Architecture.LOGISTIC_REGRESSION, List.of(13, 0)),
            "each width must be 1 to"),
        refusal(p -> p.study = " ", "study: must be 1 to 2000 characters"),
        refusal(p -> p.kind = RunKind.STATISTICS, "kind STATISTICS: not offered"),
        refusal(
            p -> p.loss = Loss.SOFTMAX_CROSS_ENTROPY,
            "training.loss SOFTMAX_CROSS_ENTROPY: mlp(13,8,1) has 1 output and needs BINARY_CROSS_ENTROPY"),
        refusal(
            p ->
                p.parameters =
                    Optional.of(
                        ParameterLayout.of(new Architecture(Architecture.MLP, List.of(13, 9, 1)))),
            "parameters: not the tensors of mlp(13,8,1)"),
        refusal(
            p ->
                p.vector =
                    Optional.of(
                        VectorLayout.of(RunKind.TRAIN, p.architecture, p.encoding, 11, 10_000, 20)),
            "vector: not the layout that"),
        refusal(p -> p.objective = new LocalObjective.Proximal(-1), "Proximal mu must be >= 0"),
        refusal(p -> p.work = new LocalWork.Epochs(0), "training.epochs must be >= 1"),
        refusal(
            p -> p.work = new LocalWork.PoissonSteps(0, 0.1), "training.steps must be >= 1, was 0"),
        refusal(
            p -> p.work = new LocalWork.PoissonSteps(1, 0),
            "training.samplingRate must be in (0, 1], was 0.0"),
        refusal(
            p -> p.work = new LocalWork.PoissonSteps(1, Double.NaN),
            "training.samplingRate must be in (0, 1], was NaN"),
        refusal(
            p -> p.work = new LocalWork.PoissonSteps(1, 0.1),
            "record-level differential privacy needs Poisson steps, and only it does"),
        refusal(
            p -> p.recordLevel().work = new LocalWork.Batches(10),
            "record-level differential privacy needs Poisson steps, and only it does"),
        refusal(
            p -> p.recordLevel().weighting = new Weighting.ByExamples(500),
            "weighting: differential privacy needs uniform weights"),
        refusal(
            p -> p.recordLevel().kind = RunKind.EVALUATE,
            "kind EVALUATE: metrics do not travel under differential privacy"),
        refusal(
            p -> p.noise = new Noise.RecordLevel(0, 1, 1e-5),
            "noise.noiseMultiplier 0.0: must be > 0"),
        refusal(
            p -> p.noise = new Noise.RecordLevel(1, Double.NaN, 1e-5),
            "noise.exampleClip NaN: must be > 0"),
        refusal(
            p -> p.noise = new Noise.RecordLevel(1, 1, 1), "noise.delta 1.0: must be in (0, 1)"),
        refusal(
            p -> {
              p.noise = new Noise.Distributed(1, 2, 1e-5);
              p.weighting = new Weighting.Uniform();
            },
            "noise.contributors 2: must be 3, minSurvivors 4 of minReady 4 sites"),
        refusal(
            p -> {
              p.noise = new Noise.Distributed(1, 2, 1e-5);
              p.weighting = new Weighting.Uniform();
              p.minHonest = 2;
            },
            "minHonest 2: must be >= 3 without record-level differential privacy"),
        refusal(p -> p.silenceLimit = Duration.ZERO, "silenceLimit PT0S: must be whole"),
        refusal(p -> p.hardLimit = Duration.ofNanos(3_600_000_000_001L), "hardLimit PT1H0.0"),
        refusal(
            p -> p.hardLimit = Duration.ofMinutes(4),
            "hardLimit PT4M: must be at least silenceLimit PT5M"));
  }

  @ParameterizedTest
  @MethodSource("refusals")
  void refusesAPlanThatCannotWork(Consumer<Plans> change, String sentence) {
    Plans plans = new Plans();

    assertThatThrownBy(
            () -> {
              change.accept(plans);
              plans.plan();
            })
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(sentence);
  }

  @Test
  void theCohortIsSorted() {
    Plans plans = new Plans();
    plans.cohort = plans.cohort.reversed();

    assertThat(plans.plan()).isEqualTo(new Plans().plan());
  }

  @Test
  void termsDoNotDependOnWhatOnlyTheRoundNeeds() {
    Plans later = new Plans();
    later.round = 2;
    later.nC = 0;

    assertThat(later.plan().terms().digest()).isEqualTo(new Plans().plan().terms().digest());
    assertThat(later.plan().digest()).isNotEqualTo(new Plans().plan().digest());
  }

  @Test
  void twoHonestSitesDoUnderRecordLevelPrivacy() {
    Plans plans = new Plans().recordLevel();
    plans.minHonest = 2;
    plans.minReady = 4;

    assertThat(plans.plan().minHonest()).isEqualTo(2);
  }

  @Test
  void underPrivacyNeitherWeightsNorMetricsTravel() {
    VectorLayout layout = new Plans().recordLevel().plan().terms().vector();

    assertThat(layout.block(VectorLayout.Kind.WEIGHT).length()).isZero();
    assertThat(layout.block(VectorLayout.Kind.METRICS_LOSS).length()).isZero();
    assertThat(layout.block(VectorLayout.Kind.METRICS_COUNTS).length()).isZero();
    assertThat(layout.block(VectorLayout.Kind.COUNT).length()).isEqualTo(1);
    assertThat(layout.block(VectorLayout.Kind.UPDATE).length())
        .isEqualTo(ParameterLayout.of(Architecture.parse("mlp(13,8,1)")).size());
  }

  private static Arguments refusal(Consumer<Plans> change, String sentence) {
    return Arguments.of(change, sentence);
  }
}
