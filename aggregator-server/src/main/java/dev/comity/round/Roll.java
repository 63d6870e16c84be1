package dev.comity.round;

import dev.comity.plan.SiteId;
import java.util.Collections;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;

/// The standing of every invited site, by site, and the number of ready sites that a session needs.
public record Roll(int minReady, Map<SiteId, SiteStanding> sites) {

  private static final Set<SitePhase> ANSWERABLE =
      EnumSet.of(
          SitePhase.INVITED,
          SitePhase.REFUSED,
          SitePhase.TRAINING,
          SitePhase.PAUSED,
          SitePhase.LOST);

  public Roll {
    if (minReady < 1 || minReady > sites.size()) {
      throw new IllegalArgumentException(
          "minReady "
              + minReady
              + " of a round with "
              + sites.size()
              + " sites: must be in [1, "
              + sites.size()
              + "]");
    }
    var sorted = new TreeMap<SiteId, SiteStanding>();
    sorted.putAll(sites);
    sites = Collections.unmodifiableMap(sorted);
  }

  /// Standing of `site`, which must be in the cohort.
  public SiteStanding of(SiteId site) {
    var standing = sites.get(site);
    if (standing == null) {
      throw new IllegalArgumentException(site + " is not in the cohort");
    }
    return standing;
  }

  public Set<SiteId> in(SitePhase phase) {
    return sites.entrySet().stream()
        .filter(entry -> entry.getValue().phase() == phase)
        .map(Map.Entry::getKey)
        .collect(Collectors.toUnmodifiableSet());
  }

  public boolean contains(SiteId site) {
    return sites.containsKey(site);
  }

  /// Sites that hold a finished update and are heard.
  public int ready() {
    return in(SitePhase.READY).size();
  }

  /// Sites whose policy permits the plan, whether they are heard now or not.
  int permitted() {
    return (int)
        sites.values().stream()
            .filter(standing -> standing.permitted() && standing.phase() != SitePhase.REFUSED)
            .count();
  }

  /// Whether every permitted site that is not lost is ready, and they are enough for a session.
  boolean complete() {
    return ready() >= minReady
        && in(SitePhase.PAUSED).isEmpty()
        && in(SitePhase.TRAINING).isEmpty();
  }

  /// Whether so many sites refused that a session has become impossible.
  boolean hopeless() {
    return sites.size() - in(SitePhase.REFUSED).size() < minReady;
  }

  boolean answerable(SiteId site) {
    return ANSWERABLE.contains(of(site).phase());
  }

  Roll with(SiteId site, SiteStanding standing) {
    var changed = new TreeMap<SiteId, SiteStanding>();
    changed.putAll(sites);
    changed.put(site, standing);
    return new Roll(minReady, changed);
  }

  Roll each(SitePhase phase, UnaryOperator<SiteStanding> change) {
    var roll = this;
    for (var site : in(phase)) {
      roll = roll.with(site, change.apply(of(site)));
    }
    return roll;
  }
}
