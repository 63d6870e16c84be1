package dev.comity.agent.participation;

import dev.comity.accounting.PrivacyAccountant;
import dev.comity.accounting.PrivacyLoss;
import dev.comity.agent.data.SiteMapping;
import dev.comity.agent.policy.Finding;
import dev.comity.agent.policy.SitePolicy;
import dev.comity.agent.policy.Verdict;
import dev.comity.agent.protection.SiteKeys;
import dev.comity.ledger.LedgerVerifier;
import dev.comity.ledger.PrivacyCost;
import dev.comity.ledger.Reservation;
import dev.comity.plan.RoundPlan;
import dev.comity.plan.RunId;
import dev.comity.storage.Storage;
import java.io.IOException;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// What this site would say to a plan now, and why. Reads files alone: the agent may run or not.
///
/// @param cost of this one round at the δ of the site's budget; empty without differential privacy
/// @param columns of the site's tables that it would use
public record Explanation(
    RoundPlan plan,
    Outcome outcome,
    List<Finding> findings,
    Optional<PrivacyLoss> cost,
    List<String> columns) {
  public Explanation {
    findings = List.copyOf(findings);
    columns = List.copyOf(columns);
  }

  /// What would happen.
  public enum Outcome {
    PERMITTED,
    REFUSED,
    WAITS_FOR_APPROVAL
  }

  /// Explains `plan`.
  ///
  /// @throws RefusedSettings when the site's settings or policy cannot be used
  public static Explanation of(SiteDirectory directory, RoundPlan plan, Clock clock)
      throws IOException {
    AgentSettings settings = AgentSettings.read(directory);
    SitePolicy policy = PolicyFile.read(directory.policy());
    SiteMapping mapping = SiteMapping.read(settings.mapping());
    SiteKeys keys = SiteKeys.load(directory.keys());
    var check =
        new OfferCheck(
            settings,
            () -> keys.messageKey().publicKey(),
            policy,
            mapping,
            Approvals.of(directory),
            new Withdrawals(directory),
            clock);
    var membership =
        new MembershipStore(directory.membership(), settings.consortium(), settings.federation())
            .current();
    Verdict verdict = check.of(plan, membership);
    var findings = new ArrayList<>(verdict.findings());
    findings.add(budget(directory, policy, plan));
    findings.add(partial(policy, plan));
    boolean refused = findings.stream().anyMatch(finding -> !finding.holds());
    return new Explanation(
        plan,
        refused
            ? Outcome.REFUSED
            : verdict.officer() ? Outcome.WAITS_FOR_APPROVAL : Outcome.PERMITTED,
        findings,
        PrivacyCost.of(plan.terms())
            .map(event ->
                PrivacyAccountant.deciding()
                    .epsilon(List.of(event), policy.privacy().budget().delta())),
        mapping.usedColumns());
  }

  /// The newest plan of `run` that this site was offered or asked its officer about.
  ///
  /// @throws IllegalStateException when there is none
  public static RoundPlan known(SiteDirectory directory, RunId run) {
    return new OfferStore(directory.offers())
        .newest(run)
        .map(Offer::plan)
        .or(() ->
            Approvals.of(directory).all().stream()
                .map(Approvals.Request::plan)
                .filter(plan -> plan.terms().run().equals(run))
                .findFirst())
        .orElseThrow(() ->
            new IllegalStateException(
                "this site knows no plan of run %s: it was offered none that is still open; give the plan as a file"
                    .formatted(run)));
  }

  private static Finding budget(SiteDirectory directory, SitePolicy policy, RoundPlan plan)
      throws IOException {
    return switch (LedgerVerifier.preview(
        Storage.ofFiles(),
        directory.privacyLedger(),
        policy.privacy().budget(),
        policy::budget,
        PrivacyAccountant.deciding(),
        plan.terms())) {
      case Reservation.Reserved() ->
          Finding.holds("privacy.epsilon", "the privacy budgets hold this round");
      case Reservation.OverBudget over ->
          Finding.fails(
              over.study().isPresent() ? "studies.epsilon" : "privacy.epsilon",
              "with this round %s would come to epsilon %.4f at delta %s, the budget is %s"
                  .formatted(
                      over.study().map("study "::concat).orElse("this site's data"),
                      over.loss().epsilon(),
                      over.loss().delta(),
                      over.budget().epsilon()),
              "privacy: the budget does not hold this round");
    };
  }

  private static Finding partial(SitePolicy policy, RoundPlan plan) {
    String site = policy.sharing().partial() ? "shares" : "does not share";
    return Finding.holds(
        "share.partial",
        plan.terms().partialAllowed()
            ? "the plan takes partial work, which this site %s".formatted(site)
            : "the plan takes whole updates alone");
  }
}
