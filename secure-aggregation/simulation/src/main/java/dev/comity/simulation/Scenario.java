package dev.comity.simulation;

import dev.comity.plan.Quorum;

/// What a seed stands for.
///
/// @param n sites
/// @param nC how many of them the plan allows to collude with the aggregator
/// @param colluding of the allowed ones, how many do
/// @param rolledBack whether one more of the allowed ones is an honest site whose disk is restored
///   from an old copy
/// @param lies how the aggregator lies
/// @param crashes of so many steps of a disk, one is the last of its process
/// @param faultyMilliseconds how long power and network fail
record Scenario(
    int n,
    int nC,
    int colluding,
    boolean rolledBack,
    Lies lies,
    int crashes,
    long faultyMilliseconds) {
  private static final int MOST_SITES = 8;

  /// How an aggregator lies.
  enum Lies {
    /// It follows the protocol.
    NONE,
    /// In whatever way, at any time.
    AT_RANDOM,
    /// It shows one site another U2 than the others and then counts that site's input with
    /// survivors of its own choice.
    OTHER_SHARES_TO_ONE
  }

  boolean lying() {
    return lies != Lies.NONE;
  }

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
    Lies lies =
        switch (random.nextInt(6)) {
          case 0, 1 -> Lies.NONE;
          case 2 -> Lies.OTHER_SHARES_TO_ONE;
          default -> Lies.AT_RANDOM;
        };
    boolean lying = lies != Lies.NONE;
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
        lies,
        crashes,
        20_000 + random.nextInt(lying ? 60_000 : 100_000));
  }
}
