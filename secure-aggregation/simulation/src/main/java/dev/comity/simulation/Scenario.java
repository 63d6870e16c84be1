package dev.comity.simulation;

import dev.comity.plan.Quorum;

/// What a seed stands for.
///
/// @param n sites
/// @param nC how many of them the plan allows to collude with the aggregator
/// @param colluding of the allowed ones, how many do
/// @param rolledBack whether one more of the allowed ones is an honest site whose disk is restored
///   from an old copy
/// @param lying whether the aggregator lies
/// @param crashes of so many steps of a disk, one is the last of its process
/// @param faultyMilliseconds how long power and network fail
record Scenario(
    int n,
    int nC,
    int colluding,
    boolean rolledBack,
    boolean lying,
    int crashes,
    long faultyMilliseconds) {
  private static final int MOST_SITES = 8;

  /// The scenario of a seed, of `sites` sites or, when 0, of as many as it likes.
  static Scenario of(long seed, int sites) {
    SeededRandom random = new SeededRandom(seed, "scenario");
    int least = Quorum.leastSites(0, SimulatedFederation.MIN_HONEST);
    int n = sites > 0 ? sites : least + Math.min(random.nextInt(5), random.nextInt(5));
    int nC = 0;
    for (int more = random.nextInt(4);
        more > 0 && new Quorum(n, nC + 1, SimulatedFederation.MIN_HONEST).reachable();
        more--) {
      nC++;
    }
    boolean lying = random.nextInt(3) > 0;
    boolean rolledBack =
        nC > 0
            && !lying
            && n > Quorum.leastSites(nC, SimulatedFederation.MIN_HONEST)
            && random.oneIn(2);
    int colluding = lying ? nC : 0;
    int crashes = random.oneIn(3) ? Integer.MAX_VALUE : 150 + random.nextInt(1500);
    return new Scenario(
        Math.min(n, Math.max(sites, MOST_SITES)),
        nC,
        colluding,
        rolledBack,
        lying,
        crashes,
        20_000 + random.nextInt(lying ? 60_000 : 100_000));
  }
}
