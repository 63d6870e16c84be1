package dev.comity.agent.participation;

import dev.comity.agent.data.DataRefusedException;
import dev.comity.agent.data.SiteMapping;
import dev.comity.agent.policy.SitePolicy;
import dev.comity.membership.MembershipEpoch;
import dev.comity.membership.MessagePublicKey;
import dev.comity.plan.Digest;
import dev.comity.plan.Noise;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Whether this site may take part in an offered round: every reason against it, in words that may
/// be sent.
final class OfferCheck {
  private static final Logger LOG = LoggerFactory.getLogger(OfferCheck.class);

  private final AgentSettings settings;
  private final MessagePublicKey key;
  private final SitePolicy policy;
  private final SiteMapping mapping;
  private final InstantSource clock;

  OfferCheck(
      AgentSettings settings,
      MessagePublicKey key,
      SitePolicy policy,
      SiteMapping mapping,
      InstantSource clock) {
    this.settings = settings;
    this.key = key;
    this.policy = policy;
    this.mapping = mapping;
    this.clock = clock;
  }

  /// Empty when nothing speaks against it.
  List<String> against(Offer offer, Optional<MembershipEpoch> membership) {
    var reasons = new ArrayList<String>();
    var terms = offer.plan().terms();
    if (!terms.federation().equals(settings.federation())) {
      reasons.add(
          "federation %s: this site belongs to %s"
              .formatted(terms.federation(), settings.federation()));
    }
    if (!offer.plan().cohort().contains(settings.site())) {
      reasons.add("cohort: does not name this site, %s".formatted(settings.site()));
    }
    checkVersion(offer, reasons);
    if (membership.isEmpty()) {
      reasons.add("membership: this site has not seen one that the consortium signed");
    } else {
      checkMembership(offer, membership.get(), reasons);
    }
    try {
      mapping.check(terms.dataContract(), terms.architecture());
    } catch (DataRefusedException e) {
      LOG.atWarn()
          .addKeyValue("run", terms.run())
          .addKeyValue("reason", e.getMessage())
          .log("Mapping does not serve the study");
      reasons.add(
          "dataContract %s: this site's mapping builds another one; its operator finds the difference in the agent's log"
              .formatted(terms.dataContract().abbreviated()));
    }
    if (terms.noise() instanceof Noise.RecordLevel && mapping.standardise()) {
      reasons.add(
          "privacy: this site's mapping scales features by statistics of its own rows, so one record would change the features of all others; its operator sets standardise: false and scales the columns by constants");
    }
    switch (policy.decide(offer.plan())) {
      case SitePolicy.Decision.Permitted() -> {}
      case SitePolicy.Decision.Refused(var more) -> reasons.addAll(more);
    }
    return reasons;
  }

  private void checkMembership(Offer offer, MembershipEpoch epoch, List<String> reasons) {
    var plan = offer.plan();
    if (epoch.expired(clock.instant())) {
      reasons.add(
          "membership version %d: expired at %s; the consortium signs a new one"
              .formatted(epoch.version(), epoch.expiresAt()));
    }
    if (!epoch.keyOf(settings.site()).equals(Optional.of(key))) {
      reasons.add(
          "membership version %d: does not list this site's key %s"
              .formatted(epoch.version(), key.displayFingerprint()));
    }
    epoch
        .objection(plan.terms().architecture())
        .ifPresent(objection ->
            reasons.add(
                "architecture %s (membership version %d)".formatted(objection, epoch.version())));
    if (plan.nC() < epoch.nCFloor()) {
      reasons.add(
          "nC %d: membership version %d demands >= %d"
              .formatted(plan.nC(), epoch.version(), epoch.nCFloor()));
    }
  }

  private static void checkVersion(Offer offer, List<String> reasons) {
    var terms = offer.plan().terms();
    var version = offer.version();
    if (!terms.baseModel().equals(Digest.of(offer.versionDocument().toByteArray()))
        || !terms.run().equals(version.run())
        || !terms.federation().equals(version.federation())
        || terms.baseVersion() != version.version()
        || !terms.architecture().equals(version.architecture())
        || !terms.weights().equals(version.weights())
        || !terms.optimizerState().equals(version.optimizerState())
        || !terms.parameters().digest().equals(version.parameters())) {
      reasons.add(
          "baseModel %s: the version document that came with the plan is another one"
              .formatted(terms.baseModel().abbreviated()));
    }
  }
}
