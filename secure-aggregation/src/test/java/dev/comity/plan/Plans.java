package dev.comity.plan;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.comity.algorithm.LocalObjective;
import dev.comity.algorithm.ServerStep;
import dev.comity.algorithm.Weighting;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.IntStream;

/// A valid plan, and the same with one thing changed.
final class Plans {
  static final RunId RUN = new RunId(UUID.fromString("6f1f9a52-0c0e-4a53-8f6d-3a5f0d5d7c11"));

  RunKind kind = RunKind.TRAIN;
  String study = "heart";
  int baseVersion = 0;
  Architecture architecture = new Architecture(Architecture.MLP, List.of(13, 8, 1));
  Optional<ParameterLayout> parameters = Optional.empty();
  Optional<VectorLayout> vector = Optional.empty();
  LocalObjective objective = new LocalObjective.Plain();
  Loss loss = Loss.BINARY_CROSS_ENTROPY;
  LocalWork work = new LocalWork.Batches(100);
  Noise noise = new Noise.None();
  Weighting weighting = new Weighting.ByExamples(500);
  double clipNorm = 10;
  Encoding encoding = new Encoding(32, 512);
  long maxExamples = 10_000;
  double lossCap = 20;
  int round = 1;
  List<SiteId> cohort = sites(5);
  ServerStep serverStep = new ServerStep.Average(1);
  int minReady = 4;
  int nC = 1;
  int minHonest = 3;
  Duration silenceLimit = Duration.ofMinutes(5);
  Duration hardLimit = Duration.ofHours(1);

  static List<SiteId> sites(int count) {
    return IntStream.rangeClosed(1, count).mapToObj(i -> new SiteId("site-" + i)).toList();
  }

  static Digest digest(String name) {
    return Digest.of(name.getBytes(UTF_8));
  }

  UpdateTerms terms() {
    return new UpdateTerms(
        new FederationId("demo"),
        RUN,
        kind,
        study,
        "to predict heart disease",
        digest("contract"),
        digest("base"),
        baseVersion,
        architecture,
        digest("weights"),
        digest("state"),
        parameters.orElseGet(() -> ParameterLayout.of(architecture)),
        vector.orElseGet(() ->
            VectorLayout.of(kind, architecture, encoding, clipNorm, maxExamples, lossCap, noise)
                .forRound(RUN, baseVersion)),
        objective,
        new LocalTraining(loss, 4, work, 0.001, 0.0, 0.0),
        42,
        weighting,
        clipNorm,
        noise,
        encoding,
        maxExamples,
        lossCap,
        true);
  }

  /// With record-level differential privacy.
  Plans recordLevel() {
    work = new LocalWork.PoissonSteps(100, 0.05);
    noise = new Noise.RecordLevel(1.1, 0.5, 1e-5);
    weighting = new Weighting.Uniform();
    return this;
  }

  /// With distributed noise.
  Plans distributed(double noiseMultiplier, int contributors) {
    noise = new Noise.Distributed(noiseMultiplier, contributors, 1e-5);
    weighting = new Weighting.Uniform();
    return this;
  }

  RoundPlan plan() {
    return new RoundPlan(
        terms(), round, cohort, serverStep, minReady, nC, minHonest, silenceLimit, hardLimit);
  }
}
