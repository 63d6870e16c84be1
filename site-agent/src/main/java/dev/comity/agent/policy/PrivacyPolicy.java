package dev.comity.agent.policy;

import dev.comity.accounting.PrivacyBudget;
import java.util.Optional;

/// What a site's data may cost in privacy, over their lifetime and whoever asks.
///
/// @param budget what all updates with differential privacy may cost together
/// @param withoutNoise whether the site also takes part in rounds without differential privacy,
///   which no budget bounds
public record PrivacyPolicy(PrivacyBudget budget, boolean withoutNoise) {
  /// ε ≤ 8 and δ ≤ 1e-5 for a lifetime.
  private static final PrivacyBudget USUAL = new PrivacyBudget(8, 1e-5);

  /// The usual budget for rounds with differential privacy; rounds without are permitted as well.
  public static PrivacyPolicy defaults() {
    return new PrivacyPolicy(USUAL, true);
  }

  /// The policy of a site that speaks of privacy: what it leaves out is as usual, but for rounds
  /// without differential privacy, which it then refuses.
  public static PrivacyPolicy of(
      Optional<Double> epsilon, Optional<Double> delta, Optional<Boolean> withoutNoise) {
    return new PrivacyPolicy(
        new PrivacyBudget(epsilon.orElse(USUAL.epsilon()), delta.orElse(USUAL.delta())),
        withoutNoise.orElse(false));
  }
}
