package dev.comity.agent.policy;

import java.util.List;

/// What a site's policy says of a plan: every rule with its finding.
///
/// @param officer whether an officer must approve what no rule speaks against
public record Verdict(List<Finding> findings, boolean officer) {
  public Verdict {
    findings = List.copyOf(findings);
  }

  /// Why the site does not take part, in words that may be sent; empty when nothing speaks against
  /// it.
  public List<String> reasons() {
    return findings.stream().filter(finding -> !finding.holds()).map(Finding::told).toList();
  }
}
