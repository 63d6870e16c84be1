package dev.comity.agent.policy;

/// The least numbers that a plan must have.
///
/// @param minCohort invited sites, ≥ 2
/// @param minHonest honest sites in a sum, ≥ 3
/// @param minHonestRecordLevel the same where every record is protected by noise of its own site, ≥
///   2
/// @param nC colluding sites that a plan must withstand, ≥ 0
public record Floors(int minCohort, int minHonest, int minHonestRecordLevel, int nC) {
  /// Nobody sums alone.
  public static final int LEAST_MIN_COHORT = 2;

  /// Nothing less keeps a contributor from reading another one out of the sum.
  public static final int LEAST_MIN_HONEST = 3;

  /// With record-level differential privacy what two contributors read of each other is private.
  public static final int LEAST_MIN_HONEST_RECORD_LEVEL = 2;

  public Floors {
    require("minCohort", minCohort, LEAST_MIN_COHORT);
    require("minHonest", minHonest, LEAST_MIN_HONEST);
    require("minHonestRecordLevel", minHonestRecordLevel, LEAST_MIN_HONEST_RECORD_LEVEL);
    require("nC", nC, 0);
  }

  /// What holds without a word: the least of each, and one colluding site withstood.
  public static Floors usual() {
    return new Floors(LEAST_MIN_COHORT, LEAST_MIN_HONEST, LEAST_MIN_HONEST_RECORD_LEVEL, 1);
  }

  /// The higher of each.
  public Floors and(Floors other) {
    return new Floors(
        Math.max(minCohort, other.minCohort),
        Math.max(minHonest, other.minHonest),
        Math.max(minHonestRecordLevel, other.minHonestRecordLevel),
        Math.max(nC, other.nC));
  }

  private static void require(String key, int value, int least) {
    if (value < least) {
      throw new IllegalArgumentException("%s %d: must be >= %d".formatted(key, value, least));
    }
  }
}
