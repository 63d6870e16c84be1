package dev.comity.demo;

import dev.comity.algorithm.FederatedAlgorithm;
import dev.comity.algorithm.Weighting;
import dev.comity.plan.Architecture;
import dev.comity.plan.DataContract;
import dev.comity.plan.Digest;
import dev.comity.plan.Encoding;
import dev.comity.plan.LocalTraining;
import dev.comity.plan.LocalWork;
import dev.comity.plan.Loss;
import dev.comity.plan.ModelVersion;
import dev.comity.plan.Noise;
import dev.comity.plan.ParameterLayout;
import dev.comity.plan.RoundPlan;
import dev.comity.plan.RunKind;
import dev.comity.plan.SiteId;
import dev.comity.plan.UpdateTerms;
import dev.comity.plan.VectorLayout;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.json.JsonMapper;

/// What a recipe asks of a run, in the vocabulary of plans.
///
/// @param rounds how many to commit, ≥ 1
record PlannedStudy(
    String study,
    String purpose,
    DataContract contract,
    Architecture architecture,
    FederatedAlgorithm algorithm,
    LocalTraining training,
    int rounds,
    double clipNorm,
    long maxExamples,
    int minReady,
    int nC,
    int minHonest) {
  private static final Encoding ENCODING = new Encoding(32, 512);
  private static final double LOSS_CAP = 20;
  private static final JsonMapper JSON =
      JsonMapper.builder()
          .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
          .build();

  PlannedStudy {
    if (rounds < 1) {
      throw new IllegalArgumentException("rounds %d: must be >= 1".formatted(rounds));
    }
  }

  /// Reads the body of `POST /api/v1/runs` that a recipe holds. A key that no recipe uses is
  /// refused.
  static PlannedStudy of(Map<String, Object> run) {
    try {
      return JSON.convertValue(run, Body.class).toStudy();
    } catch (JacksonException refused) {
      throw new RecipeException("run: " + refused.getOriginalMessage(), refused);
    }
  }

  PlannedStudy withRounds(int count) {
    return new PlannedStudy(
        study,
        purpose,
        contract,
        architecture,
        algorithm,
        training,
        count,
        clipNorm,
        maxExamples,
        minReady,
        nC,
        minHonest);
  }

  /// The plan of a round over `base`.
  RoundPlan plan(RunKind kind, int round, ModelVersion base, long seed, List<SiteId> cohort) {
    return new RoundPlan(
        terms(kind, base, seed),
        round,
        cohort,
        algorithm.serverStep(),
        minReady,
        nC,
        minHonest,
        Duration.ofMinutes(5),
        Duration.ofHours(1));
  }

  UpdateTerms terms(RunKind kind, ModelVersion base, long seed) {
    return new UpdateTerms(
        base.federation(),
        base.run(),
        kind,
        study,
        purpose,
        contract.digest(),
        base.digest(),
        base.version(),
        architecture,
        base.weights(),
        base.optimizerState(),
        ParameterLayout.of(architecture),
        VectorLayout.of(kind, architecture, ENCODING, clipNorm, maxExamples, LOSS_CAP),
        algorithm.localObjective(),
        training,
        seed,
        algorithm.weighting(),
        clipNorm,
        new Noise.None(),
        ENCODING,
        maxExamples,
        LOSS_CAP,
        true);
  }

  /// The digest of the parameter layout, as model versions name it.
  Digest parameters() {
    return ParameterLayout.of(architecture).digest();
  }

  private record Body(
      String study,
      String purpose,
      ModelBody architecture,
      AlgorithmBody algorithm,
      TrainingBody training,
      int rounds,
      double clipNorm,
      WeightingBody weighting,
      int minReady,
      int nC,
      int minHonest,
      long maxExamples,
      ContractBody dataContract) {
    PlannedStudy toStudy() {
      var model = new Architecture(architecture.family(), architecture.widths());
      return new PlannedStudy(
          study,
          purpose,
          DataContract.of(dataContract.features(), dataContract.label(), model),
          model,
          algorithm.algorithm(weighting.weighting()),
          training.training(),
          rounds,
          clipNorm,
          maxExamples,
          minReady,
          nC,
          minHonest);
    }
  }

  private record ModelBody(String family, List<Integer> widths) {}

  private record ContractBody(List<String> features, String label) {}

  private record WeightingBody(String kind, @Nullable Long maxWeight) {
    Weighting weighting() {
      return switch (kind) {
        case "by-examples" -> new Weighting.ByExamples(required("weighting.maxWeight", maxWeight));
        case "uniform" -> new Weighting.Uniform();
        default ->
            throw new RecipeException(
                "weighting.kind '%s': must be by-examples or uniform".formatted(kind));
      };
    }
  }

  private record TrainingBody(
      String loss,
      int batchSize,
      @Nullable Integer epochs,
      @Nullable Integer batches,
      double learningRate) {
    LocalTraining training() {
      var kind =
          switch (loss) {
            case "binary-cross-entropy" -> Loss.BINARY_CROSS_ENTROPY;
            case "softmax-cross-entropy" -> Loss.SOFTMAX_CROSS_ENTROPY;
            default ->
                throw new RecipeException(
                    "training.loss '%s': must be binary-cross-entropy or softmax-cross-entropy"
                        .formatted(loss));
          };
      LocalWork work =
          epochs == null
              ? new LocalWork.Batches(required("training.batches", batches))
              : new LocalWork.Epochs(epochs);
      return new LocalTraining(kind, batchSize, work, learningRate, 0, 0);
    }
  }

  private record AlgorithmBody(
      String name,
      @Nullable Double mu,
      @Nullable Double learningRate,
      @Nullable Double momentum,
      @Nullable Double beta1,
      @Nullable Double beta2,
      @Nullable Double tau) {
    FederatedAlgorithm algorithm(Weighting weighting) {
      return switch (name) {
        case "fedavg" -> new FederatedAlgorithm.FedAvg(weighting, 1);
        case "fedprox" ->
            new FederatedAlgorithm.FedProx(required("algorithm.mu", mu), weighting, 1);
        case "fedavgm" ->
            new FederatedAlgorithm.FedAvgM(
                rate(), required("algorithm.momentum", momentum), weighting);
        case "fedadam" ->
            new FederatedAlgorithm.FedAdam(
                rate(), first(), required("algorithm.beta2", beta2), floor(), weighting);
        case "fedyogi" ->
            new FederatedAlgorithm.FedYogi(
                rate(), first(), required("algorithm.beta2", beta2), floor(), weighting);
        case "fedadagrad" -> new FederatedAlgorithm.FedAdagrad(rate(), first(), floor(), weighting);
        default -> throw new RecipeException("algorithm.name '%s': unknown".formatted(name));
      };
    }

    private double rate() {
      return required("algorithm.learningRate", learningRate);
    }

    private double first() {
      return required("algorithm.beta1", beta1);
    }

    private double floor() {
      return required("algorithm.tau", tau);
    }
  }

  private static <T> T required(String key, @Nullable T value) {
    if (value == null) {
      throw new RecipeException(key + ": is missing");
    }
    return value;
  }
}
