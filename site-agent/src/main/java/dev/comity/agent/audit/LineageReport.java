package dev.comity.agent.audit;

import dev.comity.membership.MembershipEpoch;
import dev.comity.plan.ModelVersion;
import dev.comity.plan.SiteId;
import dev.comity.transparency.TreeHead;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/// What an export proves, once everything in it holds.
///
/// @param model the newest version, whose every ancestor was recomputed
/// @param membership the newest epoch
/// @param head the newest head of the log
/// @param leaves how many leaves are proven under it
/// @param lastLeaf the index of the last leaf that the lineage needs
/// @param rounds one for each version from 1 up
/// @param countersigned the size of the largest head that each site countersigned
public record LineageReport(
    ModelVersion model,
    MembershipEpoch membership,
    TreeHead head,
    int leaves,
    long lastLeaf,
    List<Round> rounds,
    SortedMap<SiteId, Long> countersigned) {

  /// A committed round: `survivors` of the `roster` are in its sum, by `votes` votes of which
  /// `threshold` were needed; `failed` sessions over the same plan gave no sum.
  public record Round(
      int version, int round, int roster, int survivors, int votes, int threshold, int failed) {}

  public LineageReport {
    rounds = List.copyOf(rounds);
    countersigned = Collections.unmodifiableSortedMap(new TreeMap<>(countersigned));
  }

  /// Sites whose countersigned head holds everything that the lineage needs.
  public List<SiteId> witnesses() {
    return countersigned.entrySet().stream()
        .filter(entry -> entry.getValue() > lastLeaf)
        .map(java.util.Map.Entry::getKey)
        .toList();
  }
}
