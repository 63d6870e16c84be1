package dev.comity.simulation;

import dev.comity.plan.Quorum;
import dev.comity.session.GraphRule;

/// What a seed stands for.
///
/// @param n sites
/// @param nC how many of them the plan allows to collude with the aggregator
/// @param rule of the graph of every session
/// @param colluding of the allowed ones, how many do
/// @param rolledBack whether one more of the allowed ones is an honest site whose disk is restored
///   from an old copy
/// @param lies how the aggregator lies
/// @param crashes of so many steps of a disk, one is the last of its process
/// @param faultyMilliseconds how long power and network fail
record Scenario(
    int n,
    int nC,
    GraphRule rule,
    int colluding,
    boolean rolledBack,
    Lies lies,
    int crashes,
    long faultyMilliseconds) {
  private static final int MOST_SITES = 8;
  private static final int LEAST_RING = 12;
  private static final int MOST_RING = 14;
  private static final int SEEDS_FOR_ONE_RING = 16;

  /// How an aggregator lies.
  enum Lies {
    /// It follows the protocol.
    NONE,
    /// In whatever way, at any time.
    AT_RANDOM,
    /// It shows one site another U2 than the others and then counts that site's input with
    /// survivors of its own choice.
    OTHER_SHARES_TO_ONE,
    /// On a ring: it counts survivors among whom one site has as few neighbours as possible.
    SURVIVORS_CUT_OFF,
    /// On a ring: once there is a certificate it asks the neighbours of one site for their shares
    /// and everybody else to vote ABORT.
    ABORT_BESIDE_ANSWERS
  }

  boolean lying() {
    return lies != Lies.NONE;
  }

  /// The scenario of a seed, of `sites` sites or, when 0, of as many as it likes: one of sixteen on
  /// a ring of at least twelve.
  static Scenario of(long seed, int sites) {
    SeededRandom random = new SeededRandom(seed, "scenario");
    boolean ring =
        (sites == 0 || sites >= LEAST_RING)
            && new SeededRandom(seed, "graph").oneIn(SEEDS_FOR_ONE_RING);
    return ring ? onRing(random, sites) : complete(random, sites);
  }

  private static Scenario complete(SeededRandom random, int sites) {
    int least = Quorum.leastSites(0, SimulatedFederation.MIN_HONEST);
    int n = sites > 0 ? sites : least + Math.min(random.nextInt(5), random.nextInt(5));
    int nC = 0;
    for (int more = random.nextInt(4);
        more > 0 && new Quorum(n, nC + 1, SimulatedFederation.MIN_HONEST).reachable();
        more--) {
      nC++;
    }
    return with(random, Math.min(n, Math.max(sites, MOST_SITES)), nC, GraphRule.STANDARD);
  }

  /// On a ring that no choice of colluding sites and no order breaks, with as many neighbours as
  /// few or many drop-outs ask for. One site fewer is on a ring too.
  private static Scenario onRing(SeededRandom random, int sites) {
    int n = sites > 0 ? sites : LEAST_RING + random.nextInt(MOST_RING - LEAST_RING + 1);
    GraphRule rule =
        new GraphRule(LEAST_RING - 2, 120, 1 + random.nextInt(3), 100 * (1 + random.nextInt(2)));
    int nC = random.nextInt(3);
    while (rule.largest(n, nC) < n || rule.largest(n - 1, nC) < n - 1) {
      nC--;
    }
    return with(random, n, nC, rule);
  }

  private static Scenario with(SeededRandom random, int n, int nC, GraphRule rule) {
    boolean ring = n > rule.mostComplete();
    Lies lies =
        switch (random.nextInt(6)) {
          case 0, 1 -> Lies.NONE;
          case 2 -> ring ? Lies.SURVIVORS_CUT_OFF : Lies.OTHER_SHARES_TO_ONE;
          case 3 -> ring ? Lies.ABORT_BESIDE_ANSWERS : Lies.AT_RANDOM;
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
        n,
        nC,
        rule,
        colluding,
        rolledBack,
        lies,
        crashes,
        20_000 + random.nextInt(lying ? 60_000 : 100_000));
  }
}
