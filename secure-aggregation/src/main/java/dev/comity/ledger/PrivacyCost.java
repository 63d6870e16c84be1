package dev.comity.ledger;

import dev.comity.accounting.PrivacyEvent;
import dev.comity.plan.DistributedNoise;
import dev.comity.plan.LocalWork;
import dev.comity.plan.Noise;
import dev.comity.plan.UpdateTerms;
import java.util.Optional;

/// What one released update costs.
public final class PrivacyCost {
  private PrivacyCost() {}

  /// Empty when the terms ask for no differential privacy.
  public static Optional<PrivacyEvent> of(UpdateTerms terms) {
    return switch (terms.noise()) {
      case Noise.None() -> Optional.empty();
      case Noise.RecordLevel(double noiseMultiplier, _, _) ->
          Optional.of(
              switch (terms.training().work()) {
                case LocalWork.PoissonSteps(int steps, double samplingRate) ->
                    new PrivacyEvent.PoissonGaussian(noiseMultiplier, samplingRate, steps);
                case LocalWork.Epochs _, LocalWork.Batches _ ->
                    throw new IllegalArgumentException(
                        "record-level terms without Poisson steps: UpdateTerms refuses them");
              });
      case Noise.Distributed _ -> {
        DistributedNoise noise = DistributedNoise.of(terms);
        yield Optional.of(
            new PrivacyEvent.DiscreteGaussianSum(
                noise.localDeviation(),
                noise.contributors(),
                Math.toIntExact(noise.dimension()),
                noise.sensitivity() * noise.sensitivity(),
                1));
      }
    };
  }
}
