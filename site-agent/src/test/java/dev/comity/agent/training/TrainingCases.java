package dev.comity.agent.training;

import dev.comity.algorithm.LocalObjective;
import dev.comity.algorithm.Weighting;
import dev.comity.formats.BuiltInModel;
import dev.comity.plan.Architecture;
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
import java.util.List;
import java.util.Random;
import java.util.UUID;

/// Terms and examples for the tests of this package.
record TrainingCases(
    RunKind kind,
    Architecture architecture,
    LocalObjective objective,
    LocalWork work,
    int batchSize,
    double learningRate,
    double momentum,
    double weightDecay,
    int baseVersion,
    long maxExamples,
    double lossCap,
    Noise noise) {
  static final SiteId SITE = new SiteId("cleveland");
  static final long SEED = 20261123;

  static TrainingCases of(Architecture architecture) {
    return new TrainingCases(
        RunKind.TRAIN,
        architecture,
        new LocalObjective.Plain(),
        new LocalWork.Batches(17),
        4,
        0.05,
        0,
        0,
        0,
        10_000,
        20,
        new Noise.None());
  }

  static Architecture logistic(int inputs) {
    return new Architecture(Architecture.LOGISTIC_REGRESSION, List.of(inputs, 1));
  }

  static Architecture mlp(Integer... widths) {
    return new Architecture(Architecture.MLP, List.of(widths));
  }

  TrainingCases kind(RunKind changed) {
    return new TrainingCases(
        changed,
        architecture,
        objective,
        work,
        batchSize,
        learningRate,
        momentum,
        weightDecay,
        baseVersion,
        maxExamples,
        lossCap,
        noise);
  }

  TrainingCases work(LocalWork changed) {
    return new TrainingCases(
        kind,
        architecture,
        objective,
        changed,
        batchSize,
        learningRate,
        momentum,
        weightDecay,
        baseVersion,
        maxExamples,
        lossCap,
        noise);
  }

  TrainingCases optimizer(
      LocalObjective objective, double learningRate, double momentum, double weightDecay) {
    return new TrainingCases(
        kind,
        architecture,
        objective,
        work,
        batchSize,
        learningRate,
        momentum,
        weightDecay,
        baseVersion,
        maxExamples,
        lossCap,
        noise);
  }

  TrainingCases baseVersion(int changed) {
    return new TrainingCases(
        kind,
        architecture,
        objective,
        work,
        batchSize,
        learningRate,
        momentum,
        weightDecay,
        changed,
        maxExamples,
        lossCap,
        noise);
  }

  TrainingCases limits(long maxExamples, double lossCap) {
    return new TrainingCases(
        kind,
        architecture,
        objective,
        work,
        batchSize,
        learningRate,
        momentum,
        weightDecay,
        baseVersion,
        maxExamples,
        lossCap,
        noise);
  }

  /// With record-level differential privacy in steps of Poisson samples.
  TrainingCases recordLevel(double noiseMultiplier, double exampleClip, int steps, double rate) {
    return new TrainingCases(
        kind,
        architecture,
        objective,
        new LocalWork.PoissonSteps(steps, rate),
        batchSize,
        learningRate,
        momentum,
        weightDecay,
        baseVersion,
        maxExamples,
        lossCap,
        new Noise.RecordLevel(noiseMultiplier, exampleClip, 1e-5));
  }

  /// With site-level differential privacy by noise of three contributors.
  TrainingCases distributed(double noiseMultiplier) {
    return new TrainingCases(
        kind,
        architecture,
        objective,
        work,
        batchSize,
        learningRate,
        momentum,
        weightDecay,
        baseVersion,
        maxExamples,
        lossCap,
        new Noise.Distributed(noiseMultiplier, 3, 1e-5));
  }

  TrainingCases batchSize(int changed) {
    return new TrainingCases(
        kind,
        architecture,
        objective,
        work,
        changed,
        learningRate,
        momentum,
        weightDecay,
        baseVersion,
        maxExamples,
        lossCap,
        noise);
  }

  UpdateTerms terms() {
    var digest = Digest.of(new byte[] {1});
    var encoding = new Encoding(32, 512);
    var loss = architecture.binary() ? Loss.BINARY_CROSS_ENTROPY : Loss.SOFTMAX_CROSS_ENTROPY;
    double clipNorm = 10;
    return new UpdateTerms(
        new FederationId("heart"),
        new RunId(new UUID(1, 2)),
        kind,
        "study",
        "a test",
        digest,
        digest,
        baseVersion,
        architecture,
        digest,
        digest,
        ParameterLayout.of(architecture),
        VectorLayout.of(kind, architecture, encoding, clipNorm, maxExamples, lossCap, noise)
            .forRound(new RunId(new UUID(1, 2)), baseVersion),
        objective,
        new LocalTraining(loss, batchSize, work, learningRate, momentum, weightDecay),
        SEED,
        noise.isPrivate() ? new Weighting.Uniform() : new Weighting.ByExamples(maxExamples),
        clipNorm,
        noise,
        encoding,
        maxExamples,
        lossCap,
        true);
  }

  /// The model's version 0.
  float[] initial() {
    return BuiltInModel.of(architecture.family(), architecture.widths()).initialValues(SEED);
  }

  TrainingRequest request(float[] base) {
    return request(base, 1);
  }

  /// By the site whose secret begins with `secret`.
  TrainingRequest request(float[] base, int secret) {
    var terms = terms();
    return new TrainingRequest(terms, SITE, base, TestKeys.key(secret, terms, base));
  }

  TrainingRequest request() {
    return request(initial());
  }

  /// Normal features; the class follows from their sum, with some noise.
  static Examples examples(long seed, int count, int width, int classes) {
    var random = new Random(seed);
    var features = new float[count * width];
    var labels = new int[count];
    for (int row = 0; row < count; row++) {
      double sum = 0;
      for (int column = 0; column < width; column++) {
        features[row * width + column] = (float) random.nextGaussian();
        sum += features[row * width + column];
      }
      double position = sum / Math.sqrt(width) + 0.5 * random.nextGaussian();
      labels[row] = (int) Math.clamp(Math.floor(classes / 2.0 + position), 0, classes - 1);
    }
    return new Examples(width, features, labels);
  }
}
