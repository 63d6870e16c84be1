package dev.comity.plan;

/// How many of a roster of `n` sites must vote and survive, when up to `nC` of them collude with
/// the aggregator. Of any two sets of `threshold` voters at least one common member is honest, so
/// only one set of survivors can be certified. Every contributor also reads the sum and can
/// subtract its own input, so at least `minHonest` of the survivors must be honest: 3, or 2 with
/// record-level differential privacy.
public record Quorum(int n, int nC, int minHonest) {
  public Quorum {
    if (n < 1) {
      throw new IllegalArgumentException("a roster of %d sites: must be >= 1".formatted(n));
    }
    if (nC < 0) {
      throw new IllegalArgumentException("nC %d: must be >= 0".formatted(nC));
    }
    if (minHonest < 2) {
      throw new IllegalArgumentException(
          "minHonest %d: must be >= 3, or 2 with record-level differential privacy"
              .formatted(minHonest));
    }
  }

  /// A quorum that `n` sites can reach; IllegalArgumentException says how many would be needed.
  public static Quorum check(int n, int nC, int minHonest) {
    Quorum quorum = new Quorum(n, nC, minHonest);
    if (!quorum.reachable()) {
      throw new IllegalArgumentException(
          "%d sites at nC %d and minHonest %d: a sum needs %d survivors (minSurvivors); take at least %d sites or lower nC"
              .formatted(n, nC, minHonest, quorum.minSurvivors(), leastSites(nC, minHonest)));
    }
    return quorum;
  }

  /// The fewest sites whose quorum is reachable.
  public static int leastSites(int nC, int minHonest) {
    // floor((n + nC)/2) + 1 <= n first holds at n = nC + 1 or nC + 2, by the parity.
    int n = Math.max(nC + 1, Math.max(nC, 1) + minHonest);
    return new Quorum(n, nC, minHonest).reachable() ? n : n + 1;
  }

  /// `T = ⌊(n + nC)/2⌋ + 1`, so `2T > n + nC`.
  public int threshold() {
    return (int) (((long) n + nC) / 2) + 1;
  }

  /// `m = max(T, max(nC, 1) + minHonest)`.
  public int minSurvivors() {
    return Math.max(threshold(), Math.addExact(Math.max(nC, 1), minHonest));
  }

  /// Whether `n` sites can be `minSurvivors`.
  public boolean reachable() {
    return minSurvivors() <= n;
  }

  /// How many sites may drop out.
  public int dropOuts() {
    return Math.max(0, n - minSurvivors());
  }
}
