package dev.comity.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.comity.agent.data.LocalDataset;
import dev.comity.agent.data.Rows;
import dev.comity.agent.data.SiteMapping;
import dev.comity.agent.data.Standardisation;
import dev.comity.agent.training.Examples;
import dev.comity.agent.training.PauseGate;
import dev.comity.agent.training.PytorchTrainer;
import dev.comity.agent.training.TrainingRequest;
import dev.comity.algorithm.FederatedAlgorithm;
import dev.comity.algorithm.ServerOptimizer;
import dev.comity.algorithm.Weighting;
import dev.comity.formats.BuiltInModel;
import dev.comity.plan.Architecture;
import dev.comity.plan.DataContract;
import dev.comity.plan.Digest;
import dev.comity.plan.Encoding;
import dev.comity.plan.FederationId;
import dev.comity.plan.LocalTraining;
import dev.comity.plan.LocalWork;
import dev.comity.plan.Loss;
import dev.comity.plan.Noise;
import dev.comity.plan.ParameterLayout;
import dev.comity.plan.RunId;
import dev.comity.plan.RunKind;
import dev.comity.plan.SiteId;
import dev.comity.plan.UpdateTerms;
import dev.comity.plan.VectorLayout;
import dev.comity.update.Metrics;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Data mapping and trainer against the published figures of FLamby's Fed-Heart-Disease (du Terrail
/// et al. 2022): four hospitals, one linear layer, 15 rounds of 100 batches of 4, plain averaging
/// in this process.
class HeartDiseaseOracleIT {
  private static final List<String> SITES = List.of("cleveland", "hungarian", "switzerland", "va");
  private static final Architecture MODEL =
      new Architecture(Architecture.LOGISTIC_REGRESSION, List.of(13, 1));
  private static final int ROUNDS = 15;
  private static final Weighting BY_EXAMPLES = new Weighting.ByExamples(1000);
  private static final String MAPPING =
      """
      source:
        files: [FOLDER/processed.SITE.data]
        header: false
        columns: [age, sex, cp, trestbps, chol, fbs, restecg, thalach, exang, oldpeak, slope, ca, thal, num]
        missing: ['?', '']
      features:
        - numeric: age
        - numeric: sex
        - numeric: trestbps
        - numeric: chol
        - numeric: fbs
        - numeric: thalach
        - numeric: exang
        - numeric: oldpeak
        - oneHot: {column: cp, categories: [1, 2, 3, 4], dropFirst: true}
        - oneHot: {column: restecg, categories: [0, 1, 2], dropFirst: true}
      label: {name: disease, column: num, positiveAbove: 0}
      split: {file: {path: FOLDER/flamby_split.csv, where: {site: SITE}, line: line_in_file, set: set}}
      """;

  @TempDir private static Path folder;
  private static final Map<String, LocalDataset> DATA = new LinkedHashMap<>();

  private record Accuracies(double meanOfSites, double pooled) {}

  @BeforeAll
  static void readTheFourHospitals() throws IOException {
    var given = System.getenv("COMITY_TEST_DATA");
    var hearts = Path.of(given == null ? "none" : given).resolve("heart_disease");
    if (!Files.isDirectory(hearts)) {
      System.out.println(
          "HeartDiseaseOracleIT skipped: COMITY_TEST_DATA names no folder with heart_disease");
    }
    assumeTrue(Files.isDirectory(hearts));
    for (String site : SITES) {
      var file = folder.resolve(site + ".yaml");
      var absolute = hearts.toAbsolutePath().toString();
      Files.writeString(file, MAPPING.replace("FOLDER", absolute).replace("SITE", site));
      DATA.put(site, LocalDataset.read(SiteMapping.read(file)));
    }
  }

  @AfterAll
  static void forgetThem() {
    DATA.clear();
  }

  @Test
  void theSplitHasThePublishedSizes() {
    assertThat(DATA.values())
        .extracting(data -> data.train().count())
        .containsExactly(199, 172, 30, 85);
    assertThat(DATA.values())
        .extracting(data -> data.test().count())
        .containsExactly(104, 89, 16, 45);
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource({
    "fedavg, 0.001, 20, 0.685, 0.748",
    "fedprox, 0.001, 20, 0.685, 0.748",
    "fedadam, 0.01, 5, 0.726, 0.779",
    "fedyogi, 0.003162, 5, 0.731, 0.779",
    "fedadagrad, 0.003162, 5, 0.731, 0.779",
    "fedavgm, 0.001, 5, 0.73, 0.78"
  })
  void theMeanOverSeedsIsNearThePublishedFigure(
      String name, double localRate, int seeds, double meanOfSites, double pooled)
      throws Exception {
    double sites = 0;
    double together = 0;
    for (long seed = 0; seed < seeds; seed++) {
      var accuracies = federation(algorithm(name), localRate, seed);
      sites += accuracies.meanOfSites() / seeds;
      together += accuracies.pooled() / seeds;
    }

    System.out.printf(
        "%s, %d seeds: mean of sites %.3f, pooled %.3f%n", name, seeds, sites, together);
    assertThat(sites).isCloseTo(meanOfSites, within(0.03));
    assertThat(together).isCloseTo(pooled, within(0.03));
  }

  private static FederatedAlgorithm algorithm(String name) {
    return switch (name) {
      case "fedavg" -> new FederatedAlgorithm.FedAvg(BY_EXAMPLES, 1);
      case "fedprox" -> new FederatedAlgorithm.FedProx(0.01, BY_EXAMPLES, 1);
      case "fedadam" -> new FederatedAlgorithm.FedAdam(0.01, 0.9, 0.999, 1e-8, BY_EXAMPLES);
      case "fedyogi" -> new FederatedAlgorithm.FedYogi(0.01, 0.9, 0.999, 1e-8, BY_EXAMPLES);
      case "fedadagrad" -> new FederatedAlgorithm.FedAdagrad(0.316228, 0.9, 1e-8, BY_EXAMPLES);
      case "fedavgm" -> new FederatedAlgorithm.FedAvgM(1, 0.9, BY_EXAMPLES);
      default -> throw new IllegalArgumentException(name);
    };
  }

  private static Accuracies federation(FederatedAlgorithm algorithm, double localRate, long seed)
      throws InterruptedException {
    float[] weights = BuiltInModel.of(MODEL.family(), MODEL.widths()).initialValues(seed);
    var m = new float[weights.length];
    var v = new float[weights.length];
    for (int round = 0; round < ROUNDS; round++) {
      var terms = terms(RunKind.TRAIN, algorithm, localRate, seed, round);
      var sum = new double[weights.length];
      double weightSum = 0;
      for (var site : DATA.entrySet()) {
        var data = site.getValue();
        var trainer = trainer(examples(data.train()), examples(data.test()));
        var outcome =
            trainer.train(
                new TrainingRequest(terms, new SiteId(site.getKey()), weights),
                tenths -> {},
                PauseGate.alwaysOpen());
        trainer.discard(terms.digest());
        double weight = terms.weighting().weight(outcome.examples());
        float[] delta = outcome.delta();
        for (int i = 0; i < sum.length; i++) {
          sum[i] += weight * delta[i];
        }
        weightSum += weight;
      }
      var mean = new float[weights.length];
      for (int i = 0; i < mean.length; i++) {
        mean[i] = (float) (sum[i] / weightSum);
      }
      ServerOptimizer.apply(algorithm.serverStep(), weights, m, v, mean);
    }
    var evaluate = terms(RunKind.EVALUATE, algorithm, localRate, seed, ROUNDS);
    double meanOfSites = 0;
    for (var data : DATA.values()) {
      meanOfSites += accuracy(evaluate, weights, data.train(), data.test()) / DATA.size();
    }
    return new Accuracies(meanOfSites, pooledAccuracy(evaluate, weights));
  }

  /// The pooled test, scaled by the statistics of the pooled training rows.
  private static double pooledAccuracy(UpdateTerms terms, float[] weights)
      throws InterruptedException {
    var train =
        DATA.values().stream().map(LocalDataset::rawTrain).reduce(Rows::followedBy).orElseThrow();
    var test =
        DATA.values().stream().map(LocalDataset::rawTest).reduce(Rows::followedBy).orElseThrow();
    var scale = Standardisation.of(train);
    return accuracy(terms, weights, scale.apply(train), scale.apply(test));
  }

  private static double accuracy(UpdateTerms terms, float[] weights, Rows train, Rows test)
      throws InterruptedException {
    Metrics metrics =
        trainer(examples(train), examples(test))
            .train(
                new TrainingRequest(terms, new SiteId("pooled"), weights),
                tenths -> {},
                PauseGate.alwaysOpen())
            .base();
    return (double) metrics.correct() / metrics.examples();
  }

  private static PytorchTrainer trainer(Examples train, Examples test) {
    return new PytorchTrainer(
        train, test, folder.resolve("checkpoints"), Duration.ofHours(1), InstantSource.system());
  }

  private static Examples examples(Rows rows) {
    return new Examples(rows.width(), rows.features(), rows.labels());
  }

  private static UpdateTerms terms(
      RunKind kind, FederatedAlgorithm algorithm, double localRate, long seed, int round) {
    var contract =
        new DataContract(IntStream.range(0, 13).mapToObj(i -> "x" + i).toList(), "disease", 2);
    var none = Digest.of(new byte[0]);
    var encoding = new Encoding(32, 512);
    return new UpdateTerms(
        new FederationId("heart"),
        new RunId(new UUID(0, seed)),
        kind,
        "heart disease",
        "reproduce published figures",
        contract.digest(),
        none,
        round,
        MODEL,
        none,
        none,
        ParameterLayout.of(MODEL),
        VectorLayout.of(kind, MODEL, encoding, 5, 10_000, 20),
        algorithm.localObjective(),
        new LocalTraining(
            Loss.BINARY_CROSS_ENTROPY, 4, new LocalWork.Batches(100), localRate, 0, 0),
        seed,
        algorithm.weighting(),
        5,
        new Noise.None(),
        encoding,
        10_000,
        20,
        false);
  }
}
