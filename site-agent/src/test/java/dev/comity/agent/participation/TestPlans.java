package dev.comity.agent.participation;

import dev.comity.algorithm.Weighting;
import dev.comity.plan.Architecture;
import dev.comity.plan.Encoding;
import dev.comity.plan.LocalTraining;
import dev.comity.plan.LocalWork;
import dev.comity.plan.Noise;
import dev.comity.plan.ParameterLayout;
import dev.comity.plan.RoundPlan;
import dev.comity.plan.UpdateTerms;
import dev.comity.plan.VectorLayout;
import java.time.Duration;

/// Plans with one thing changed.
final class TestPlans {
  private TestPlans() {}

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
