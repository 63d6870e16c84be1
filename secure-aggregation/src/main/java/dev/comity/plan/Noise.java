package dev.comity.plan;

/// The noise that differential privacy asks for, drawn on the site. Under any but `None` sites
/// count alike, and no weight and no metric of a site's data travels.
public sealed interface Noise {

  /// No differential privacy.
  record None() implements Noise {}

  /// Record-level differential privacy inside the site (DP-SGD; Abadi et al. 2016, algorithm 1):
  /// each example's gradient is clipped to L2 norm `exampleClip`, and each step adds Gaussian noise
  /// of standard deviation `noiseMultiplier · exampleClip` to their sum. Steps and sampling rate
  /// are those of [LocalWork.PoissonSteps]. It relies on nobody outside the site; the encoded
  /// update gets no further noise. ε is stated at `delta`.
  record RecordLevel(double noiseMultiplier, double exampleClip, double delta) implements Noise {
    public RecordLevel {
      requireMultiplier(noiseMultiplier);
      if (!(exampleClip > 0 && Double.isFinite(exampleClip))) {
        throw new IllegalArgumentException(
            "noise.exampleClip %s: must be > 0 and finite, the L2 bound of one example's gradient"
                .formatted(exampleClip));
      }
      requireDelta(delta);
    }
  }

  /// Site-level differential privacy of the sum: each site adds discrete Gaussian noise to its
  /// encoded update, such that the noise of any `contributors` of them has standard deviation
  /// `noiseMultiplier` times the sensitivity to one site (Kairouz, Liu, Steinke 2021).
  /// `contributors` is `minSurvivors − max(nC, 1)` of the smallest roster: colluding sites leave
  /// theirs out, and every contributor knows its own. ε is stated at `delta`.
  record Distributed(double noiseMultiplier, int contributors, double delta) implements Noise {
    public Distributed {
      requireMultiplier(noiseMultiplier);
      if (contributors < 1) {
        throw new IllegalArgumentException(
            "noise.contributors %d: must be >= 1".formatted(contributors));
      }
      requireDelta(delta);
    }
  }

  /// Whether there is any differential privacy.
  default boolean isPrivate() {
    return switch (this) {
      case None() -> false;
      case RecordLevel _, Distributed _ -> true;
    };
  }

  private static void requireMultiplier(double noiseMultiplier) {
    if (!(noiseMultiplier > 0 && Double.isFinite(noiseMultiplier))) {
      throw new IllegalArgumentException(
          "noise.noiseMultiplier %s: must be > 0 and finite".formatted(noiseMultiplier));
    }
  }

  private static void requireDelta(double delta) {
    if (!(delta > 0 && delta < 1)) {
      throw new IllegalArgumentException("noise.delta %s: must be in (0, 1)".formatted(delta));
    }
  }
}
