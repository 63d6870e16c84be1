package dev.comity.plan;

/// Terms of rounds with and without differential privacy, for other packages' tests.
public final class PrivatePlans {
  private PrivatePlans() {}

  /// σ = 1.1, q = 0.05, 100 steps from base version `version`.
  public static UpdateTerms recordLevel(int version) {
    Plans plans = new Plans().recordLevel();
    plans.baseVersion = version;
    return plans.terms();
  }

  /// Without noise, from base version `version`.
  public static UpdateTerms withoutNoise(int version) {
    Plans plans = new Plans();
    plans.baseVersion = version;
    return plans.terms();
  }
}
