package dev.comity.round.postgres;

import dev.comity.plan.Digest;
import dev.comity.plan.ModelVersion;
import dev.comity.plan.RoundPlan;
import dev.comity.plan.RunKind;
import dev.comity.plan.UpdateTerms;
import dev.comity.plan.VectorLayout;

/// Freezes the plans of a run's rounds.
final class Plans {

  private Plans() {}

  /// The plan of round `number` over `base`: the template with another base and, for the evaluation
  /// of the final model, another kind. An abandoned round and its successor have equal terms, so
  /// the sites' stored updates stay good.
  static RoundPlan next(
      RoundPlan template, int number, RunKind kind, Digest baseDigest, ModelVersion base) {
    var terms = template.terms();
    return new RoundPlan(
        new UpdateTerms(
            terms.federation(),
            terms.run(),
            kind,
            terms.study(),
            terms.purpose(),
            terms.dataContract(),
            baseDigest,
            base.version(),
            terms.architecture(),
            base.weights(),
            base.optimizerState(),
            terms.parameters(),
            VectorLayout.of(
                    kind,
                    terms.architecture(),
                    terms.encoding(),
                    terms.clipNorm(),
                    terms.maxExamples(),
                    terms.lossCap(),
                    terms.noise())
                .forRound(terms.run(), base.version()),
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
        number,
        template.cohort(),
        template.serverStep(),
        template.minReady(),
        template.nC(),
        template.minHonest(),
        template.silenceLimit(),
        template.hardLimit());
  }
}
