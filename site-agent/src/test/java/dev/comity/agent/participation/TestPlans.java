package dev.comity.agent.participation;

import dev.comity.algorithm.LocalObjective;
import dev.comity.algorithm.ServerStep;
import dev.comity.algorithm.Weighting;
import dev.comity.plan.Architecture;
import dev.comity.plan.Digest;
import dev.comity.plan.Encoding;
import dev.comity.plan.LocalTraining;
import dev.comity.plan.LocalWork;
import dev.comity.plan.Loss;
import dev.comity.plan.Noise;
import dev.comity.plan.ParameterLayout;
import dev.comity.plan.RoundPlan;
import dev.comity.plan.RunKind;
import dev.comity.plan.SiteId;
import dev.comity.plan.UpdateTerms;
import dev.comity.plan.VectorLayout;
import java.time.Duration;
import java.util.stream.IntStream;

/// Plans with one thing changed.
final class TestPlans {
  private TestPlans() {}

  /// Without differential privacy, over `sites` sites, on features a and b and label y.
  static RoundPlan plain(RunKind kind, int sites) {
    var architecture = TestAggregator.ARCHITECTURE;
    var encoding = new Encoding(32, 8);
    var none = Digest.of(new byte[] {1});
    var terms =
        new UpdateTerms(
            TestEnrolments.FEDERATION,
            TestAggregator.RUN,
            kind,
            "study",
            "test",
            TestAggregator.CONTRACT.digest(),
            none,
            0,
            architecture,
            none,
            none,
            ParameterLayout.of(architecture),
            VectorLayout.of(kind, architecture, encoding, 1.0, 1000, 20),
            new LocalObjective.Plain(),
            new LocalTraining(Loss.BINARY_CROSS_ENTROPY, 8, new LocalWork.Batches(20), 0.1, 0, 0),
            TestAggregator.SEED,
            new Weighting.ByExamples(100),
            1.0,
            new Noise.None(),
            encoding,
            1000,
            20,
            false);
    return new RoundPlan(
        terms,
        1,
        IntStream.rangeClosed(1, sites).mapToObj(i -> new SiteId("s" + i)).toList(),
        new ServerStep.Adam(0.05, 0.9, 0.99, 1e-3),
        4,
        1,
        3,
        Duration.ofMinutes(5),
        Duration.ofMinutes(30));
  }

  static RoundPlan withPurpose(RoundPlan plan, String purpose) {
    UpdateTerms terms = plan.terms();
    return new RoundPlan(
        new UpdateTerms(
            terms.federation(),
            terms.run(),
            terms.kind(),
            terms.study(),
            purpose,
            terms.dataContract(),
            terms.baseModel(),
            terms.baseVersion(),
            terms.architecture(),
            terms.weights(),
            terms.optimizerState(),
            terms.parameters(),
            terms.vector(),
            terms.objective(),
            terms.training(),
            terms.seed(),
            terms.weighting(),
            terms.clipNorm(),
            terms.noise(),
            terms.encoding(),
            terms.maxExamples(),
            terms.lossCap(),
            terms.partialAllowed()),
        plan.round(),
        plan.cohort(),
        plan.serverStep(),
        plan.minReady(),
        plan.nC(),
        plan.minHonest(),
        plan.silenceLimit(),
        plan.hardLimit());
  }

  static RoundPlan recordLevel(RoundPlan plan, double noiseMultiplier) {
    var training = plan.terms().training();
    return with(
        plan,
        new Noise.RecordLevel(noiseMultiplier, 1, 1e-5),
        plan.terms().encoding(),
        new LocalTraining(
            training.loss(),
            training.batchSize(),
            new LocalWork.PoissonSteps(10, 0.1),
            training.learningRate(),
            training.momentum(),
            training.weightDecay()),
        new Weighting.Uniform());
  }

  /// Site-level, in a ring of `bits`.
  static RoundPlan distributed(RoundPlan plan, double noiseMultiplier, int bits) {
    return with(
        plan,
        new Noise.Distributed(noiseMultiplier, 3, 1e-5),
        new Encoding(bits, plan.terms().encoding().nMax()),
        plan.terms().training(),
        new Weighting.Uniform());
  }

  /// With another number of batches a round.
  static RoundPlan batches(RoundPlan plan, int batches) {
    var training = plan.terms().training();
    return with(
        plan,
        plan.terms().noise(),
        plan.terms().encoding(),
        new LocalTraining(
            training.loss(),
            training.batchSize(),
            new LocalWork.Batches(batches),
            training.learningRate(),
            training.momentum(),
            training.weightDecay()),
        plan.terms().weighting());
  }

  /// With partial work allowed, and this hard limit.
  static RoundPlan partial(RoundPlan plan, Duration hardLimit) {
    UpdateTerms terms = plan.terms();
    return new RoundPlan(
        new UpdateTerms(
            terms.federation(),
            terms.run(),
            terms.kind(),
            terms.study(),
            terms.purpose(),
            terms.dataContract(),
            terms.baseModel(),
            terms.baseVersion(),
            terms.architecture(),
            terms.weights(),
            terms.optimizerState(),
            terms.parameters(),
            terms.vector(),
            terms.objective(),
            terms.training(),
            terms.seed(),
            terms.weighting(),
            terms.clipNorm(),
            terms.noise(),
            terms.encoding(),
            terms.maxExamples(),
            terms.lossCap(),
            true),
        plan.round(),
        plan.cohort(),
        plan.serverStep(),
        plan.minReady(),
        plan.nC(),
        plan.minHonest(),
        hardLimit,
        hardLimit);
  }

  private static RoundPlan with(
      RoundPlan plan, Noise noise, Encoding encoding, LocalTraining training, Weighting weighting) {
    UpdateTerms terms = plan.terms();
    return new RoundPlan(
        new UpdateTerms(
            terms.federation(),
            terms.run(),
            terms.kind(),
            terms.study(),
            terms.purpose(),
            terms.dataContract(),
            terms.baseModel(),
            terms.baseVersion(),
            terms.architecture(),
            terms.weights(),
            terms.optimizerState(),
            terms.parameters(),
            VectorLayout.of(
                    terms.kind(),
                    terms.architecture(),
                    encoding,
                    terms.clipNorm(),
                    terms.maxExamples(),
                    terms.lossCap(),
                    noise)
                .forRound(terms.run(), terms.baseVersion()),
            terms.objective(),
            training,
            terms.seed(),
            weighting,
            terms.clipNorm(),
            noise,
            encoding,
            terms.maxExamples(),
            terms.lossCap(),
            terms.partialAllowed()),
        plan.round(),
        plan.cohort(),
        plan.serverStep(),
        plan.minReady(),
        plan.nC(),
        plan.minHonest(),
        plan.silenceLimit(),
        plan.hardLimit());
  }

  static RoundPlan withArchitecture(RoundPlan plan, Architecture architecture) {
    var terms = plan.terms();
    return new RoundPlan(
        new UpdateTerms(
            terms.federation(),
            terms.run(),
            terms.kind(),
            terms.study(),
            terms.purpose(),
            terms.dataContract(),
            terms.baseModel(),
            terms.baseVersion(),
            architecture,
            terms.weights(),
            terms.optimizerState(),
            ParameterLayout.of(architecture),
            VectorLayout.of(
                terms.kind(),
                architecture,
                terms.encoding(),
                terms.clipNorm(),
                terms.maxExamples(),
                terms.lossCap()),
            terms.objective(),
            terms.training(),
            terms.seed(),
            terms.weighting(),
            terms.clipNorm(),
            terms.noise(),
            terms.encoding(),
            terms.maxExamples(),
            terms.lossCap(),
            terms.partialAllowed()),
        plan.round(),
        plan.cohort(),
        plan.serverStep(),
        plan.minReady(),
        plan.nC(),
        plan.minHonest(),
        plan.silenceLimit(),
        plan.hardLimit());
  }

  static RoundPlan twoHonest(RoundPlan plan) {
    return new RoundPlan(
        plan.terms(),
        plan.round(),
        plan.cohort(),
        plan.serverStep(),
        plan.minReady(),
        plan.nC(),
        2,
        plan.silenceLimit(),
        plan.hardLimit());
  }

  static RoundPlan withoutCollusion(RoundPlan plan) {
    return new RoundPlan(
        plan.terms(),
        plan.round(),
        plan.cohort(),
        plan.serverStep(),
        plan.minReady(),
        0,
        plan.minHonest(),
        plan.silenceLimit(),
        plan.hardLimit());
  }
}
