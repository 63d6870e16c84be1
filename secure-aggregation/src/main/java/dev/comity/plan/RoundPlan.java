package dev.comity.plan;

import dev.comity.algorithm.ServerStep;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;

/// One round of a run, frozen before any site is asked. `round` counts from 1; `cohort` is the
/// invited sites, sorted; `minReady` of them must be trained and waiting before a session opens; up
/// to `nC` may collude with the aggregator, and `minHonest` honest sites must remain in every sum.
/// A site that is silent for `silenceLimit` counts as lost; at `hardLimit` the round is abandoned.
/// Limits are whole milliseconds.
public record RoundPlan(
    UpdateTerms terms,
    int round,
    List<SiteId> cohort,
    ServerStep serverStep,
    int minReady,
    int nC,
    int minHonest,
    Duration silenceLimit,
    Duration hardLimit) {
  private static final int MIN_HONEST_WITHOUT_PRIVACY = 3;

  private static final Duration LONGEST = Duration.ofDays(366);

  public RoundPlan {
    cohort = cohort.stream().sorted().toList();
    if (round < 1) {
      throw new IllegalArgumentException("round %d: must be >= 1".formatted(round));
    }
    if (new HashSet<>(cohort).size() != cohort.size()) {
      throw new IllegalArgumentException("cohort: a site is named twice; name each once");
    }
    if (cohort.size() > terms.encoding().nMax()) {
      throw new IllegalArgumentException(
          "cohort of %d sites: encoding.nMax is %d and the bit budget holds no more; raise encoding.nMax or invite fewer"
              .formatted(cohort.size(), terms.encoding().nMax()));
    }
    if (minReady < 1 || minReady > cohort.size()) {
      throw new IllegalArgumentException(
          "minReady %d: must be 1 to %d, the size of the cohort; lower minReady or invite more sites"
              .formatted(minReady, cohort.size()));
    }
    if (nC < 0) {
      throw new IllegalArgumentException(
          "nC %d: must be >= 0, the number of sites that may collude with the aggregator"
              .formatted(nC));
    }
    switch (terms.noise()) {
      case Noise.RecordLevel _ -> {
        // Two honest sites do: what one of them learns of the other is differentially private.
      }
      case Noise.None _, Noise.Distributed _ -> {
        if (minHonest < MIN_HONEST_WITHOUT_PRIVACY) {
          throw new IllegalArgumentException(
              "minHonest %d: must be >= 3 without record-level differential privacy, since every contributor can subtract its own input; set minHonest to 3"
                  .formatted(minHonest));
        }
      }
    }
    Quorum quorum = new Quorum(minReady, nC, minHonest);
    if (!quorum.reachable()) {
      throw new IllegalArgumentException(
          "minReady %d: a sum needs minSurvivors %d at nC %d and minHonest %d; raise minReady to %d or lower nC"
              .formatted(
                  minReady,
                  quorum.minSurvivors(),
                  nC,
                  minHonest,
                  Quorum.leastSites(nC, minHonest)));
    }
    if (terms.noise() instanceof Noise.Distributed(_, int contributors, _)
        && contributors != quorum.minSurvivors() - Math.max(nC, 1)) {
      throw new IllegalArgumentException(
          "noise.contributors %d: must be %d, minSurvivors %d of minReady %d sites without max(nC, 1) = %d that may withhold their noise or know it"
              .formatted(
                  contributors,
                  quorum.minSurvivors() - Math.max(nC, 1),
                  quorum.minSurvivors(),
                  minReady,
                  Math.max(nC, 1)));
    }
    requireLimit("silenceLimit", silenceLimit);
    requireLimit("hardLimit", hardLimit);
    if (hardLimit.compareTo(silenceLimit) < 0) {
      throw new IllegalArgumentException(
          "hardLimit %s: must be at least silenceLimit %s".formatted(hardLimit, silenceLimit));
    }
  }

  /// The digest of this plan's bytes.
  public Digest digest() {
    return Digest.of(PlanCodec.encode(this));
  }

  private static void requireLimit(String name, Duration limit) {
    if (limit.compareTo(Duration.ofMillis(1)) < 0
        || limit.compareTo(LONGEST) > 0
        || limit.getNano() % 1_000_000 != 0) {
      throw new IllegalArgumentException(
          "%s %s: must be whole milliseconds, above 0 and at most %s"
              .formatted(name, limit, LONGEST));
    }
  }
}
