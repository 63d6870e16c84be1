package dev.comity.agent.participation;

import dev.comity.agent.data.DataRefusedException;
import dev.comity.agent.data.SiteMapping;
import dev.comity.agent.policy.Finding;
import dev.comity.agent.policy.SitePolicy;
import dev.comity.agent.policy.Verdict;
import dev.comity.membership.MembershipEpoch;
import dev.comity.membership.MessagePublicKey;
import dev.comity.plan.Digest;
import dev.comity.plan.Noise;
import dev.comity.plan.RoundPlan;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Whether this site may take part in a round: its policy, its data, the membership, what it
/// withdrew from and what an officer decided.
final class OfferCheck {
  private static final Logger LOG = LoggerFactory.getLogger(OfferCheck.class);

  private final AgentSettings settings;
  private final MessagePublicKeys keys;
  private final SitePolicy policy;
  private final SiteMapping mapping;
  private final Approvals approvals;
  private final Withdrawals withdrawals;
  private final InstantSource clock;

  /// The message key that serves now.
  @FunctionalInterface
  interface MessagePublicKeys {
    MessagePublicKey present();
  }

  OfferCheck(
      AgentSettings settings,
      MessagePublicKeys keys,
      SitePolicy policy,
      SiteMapping mapping,
      Approvals approvals,
      Withdrawals withdrawals,
      InstantSource clock) {
    this.settings = settings;
    this.keys = keys;
    this.policy = policy;
    this.mapping = mapping;
    this.approvals = approvals;
    this.withdrawals = withdrawals;
    this.clock = clock;
  }

  /// Of an offer, with the version that came with it. It waits for an officer when nothing else
  /// speaks against it.
  Verdict of(Offer offer, Optional<MembershipEpoch> membership) {
    Verdict verdict = of(offer.plan(), membership);
    var findings = new ArrayList<>(verdict.findings());
    findings.add(version(offer));
    return new Verdict(findings, verdict.officer());
  }

  /// Of a plan alone.
  Verdict of(RoundPlan plan, Optional<MembershipEpoch> membership) {
    var terms = plan.terms();
    var findings = new ArrayList<Finding>();
    findings.add(
        terms.federation().equals(settings.federation())
            ? Finding.holds("federation", "federation %s".formatted(terms.federation()))
            : Finding.fails(
                "federation",
                "federation %s: this site belongs to %s"
                    .formatted(terms.federation(), settings.federation())));
    findings.add(
        plan.cohort().contains(settings.site())
            ? Finding.holds("cohort", "the cohort names this site, %s".formatted(settings.site()))
            : Finding.fails(
                "cohort", "cohort: does not name this site, %s".formatted(settings.site())));
    findings.addAll(
        membership
            .map(epoch -> membership(plan, epoch))
            .orElseGet(() ->
                List.of(
                    Finding.fails(
                        "membership",
                        "membership: this site has not seen one that the consortium signed"))));
    findings.add(dataContract(plan));
    findings.add(scaling(plan));
    findings.add(withdrawals.finding(terms));
    Verdict permitted = policy.decide(plan, Set.copyOf(mapping.usedColumns()));
    findings.addAll(permitted.findings());
    if (!permitted.officer()) {
      return new Verdict(findings, false);
    }
    return switch (approvals.standing(plan)) {
      case Approvals.Standing.Waits() -> new Verdict(findings, true);
      case Approvals.Standing.Granted granted -> {
        findings.add(Finding.holds("studies.approval", granted.toString()));
        yield new Verdict(findings, false);
      }
      case Approvals.Standing.Denied denied -> {
        findings.add(Finding.fails("studies.approval", denied.toString(), denied.told()));
        yield new Verdict(findings, false);
      }
    };
  }

  /// Whether the site gives what it did when time ended its training, where a plan takes that.
  boolean givesPartialWork() {
    return policy.sharing().partial();
  }

  /// Puts the plan before the officer.
  void ask(RoundPlan plan) {
    approvals.ask(plan, mapping.usedColumns(), clock.instant());
  }

  private Finding dataContract(RoundPlan plan) {
    var terms = plan.terms();
    try {
      mapping.check(terms.dataContract(), terms.architecture());
      return Finding.holds(
          "dataContract",
          "this site's mapping builds data contract %s"
              .formatted(terms.dataContract().abbreviated()));
    } catch (DataRefusedException e) {
      LOG.atWarn()
          .addKeyValue("run", terms.run())
          .addKeyValue("reason", e.getMessage())
          .log("Mapping does not serve the study");
      return Finding.fails(
          "dataContract",
          String.valueOf(e.getMessage()),
          "dataContract %s: this site's mapping builds another one; its operator finds the difference in the agent's log"
              .formatted(terms.dataContract().abbreviated()));
    }
  }

  private Finding scaling(RoundPlan plan) {
    return plan.terms().noise() instanceof Noise.RecordLevel && mapping.standardise()
        ? Finding.fails(
            "standardise",
            "privacy: this site's mapping scales features by statistics of its own rows, so one record would change the features of all others; its operator sets standardise: false and gives numeric columns the center and scale that the study fixes for all sites")
        : Finding.holds("standardise", "the mapping's scaling suits the round's privacy");
  }

  private List<Finding> membership(RoundPlan plan, MembershipEpoch epoch) {
    MessagePublicKey key = keys.present();
    return List.of(
        epoch.expired(clock.instant())
            ? Finding.fails(
                "membership",
                "membership version %d: expired at %s; the consortium signs a new one"
                    .formatted(epoch.version(), epoch.expiresAt()))
            : Finding.holds(
                "membership",
                "membership version %d holds until %s"
                    .formatted(epoch.version(), epoch.expiresAt())),
        epoch.keyOf(settings.site()).equals(Optional.of(key))
            ? Finding.holds("membership.key", "the consortium lists this site's key")
            : Finding.fails(
                "membership.key",
                "membership version %d: does not list this site's key %s"
                    .formatted(epoch.version(), key.displayFingerprint())),
        epoch
            .objection(plan.terms().architecture())
            .map(objection ->
                Finding.fails(
                    "membership.architectures",
                    "architecture %s (membership version %d)"
                        .formatted(objection, epoch.version())))
            .orElseGet(() ->
                Finding.holds(
                    "membership.architectures",
                    "the consortium allows %s".formatted(plan.terms().architecture()))),
        plan.nC() < epoch.nCFloor()
            ? Finding.fails(
                "membership.nC",
                "nC %d: membership version %d demands >= %d"
                    .formatted(plan.nC(), epoch.version(), epoch.nCFloor()))
            : Finding.holds(
                "membership.nC",
                "nC %d: the consortium demands >= %d".formatted(plan.nC(), epoch.nCFloor())));
  }

  private static Finding version(Offer offer) {
    var terms = offer.plan().terms();
    var version = offer.version();
    boolean same =
        terms.baseModel().equals(Digest.of(offer.versionDocument().toByteArray()))
            && terms.run().equals(version.run())
            && terms.federation().equals(version.federation())
            && terms.baseVersion() == version.version()
            && terms.architecture().equals(version.architecture())
            && terms.weights().equals(version.weights())
            && terms.optimizerState().equals(version.optimizerState())
            && terms.parameters().digest().equals(version.parameters());
    return same
        ? Finding.holds("baseModel", "the version document that came with the plan is the plan's")
        : Finding.fails(
            "baseModel",
            "baseModel %s: the version document that came with the plan is another one"
                .formatted(terms.baseModel().abbreviated()));
  }
}
