package dev.comity.agent.participation;

import dev.comity.plan.Architecture;
import dev.comity.plan.ParameterLayout;
import dev.comity.plan.RoundPlan;
import dev.comity.plan.UpdateTerms;
import dev.comity.plan.VectorLayout;

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
