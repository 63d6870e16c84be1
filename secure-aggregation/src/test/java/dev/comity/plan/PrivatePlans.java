package dev.comity.plan;

import dev.comity.algorithm.Weighting;

/// Terms of rounds with and without differential privacy, for other packages' tests.
public final class PrivatePlans {
  private PrivatePlans() {}

  /// σ = 1.1, q = 0.05, 100 steps from base version `version`.
  public static UpdateTerms recordLevel(int version) {
    Plans plans = new Plans().recordLevel();
    plans.baseVersion = version;
    return plans.terms();
  }

  /// As the other, for another study.
  public static UpdateTerms recordLevel(String study, int version) {
    Plans plans = new Plans().recordLevel();
    plans.study = study;
    plans.baseVersion = version;
    return plans.terms();
  }

  /// Site-level, 0.8 of the sensitivity over three sites.
  public static UpdateTerms distributed(int version) {
    Plans plans = new Plans();
    plans.baseVersion = version;
    plans.noise = new Noise.Distributed(0.8, 3, 1e-6);
    plans.weighting = new Weighting.Uniform();
    return plans.terms();
  }

  /// Without noise, from base version `version`.
  public static UpdateTerms withoutNoise(int version) {
    Plans plans = new Plans();
    plans.baseVersion = version;
    return plans.terms();
  }
}
