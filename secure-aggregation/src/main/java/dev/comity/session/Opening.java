package dev.comity.session;

import dev.comity.membership.MembershipEpoch;
import dev.comity.plan.Digest;
import dev.comity.plan.RoundPlan;
import dev.comity.plan.SiteId;
import dev.comity.update.NoisedUpdate;
import java.util.HashSet;
import java.util.Objects;
import java.util.Set;

/// P0: what a site asks of a descriptor before it locks its update to the session.
final class Opening {
  private final SiteSession.Site site;
  private final RoundPlan plan;
  private final SessionDescriptor descriptor;

  private Opening(SiteSession.Site site, RoundPlan plan, SessionDescriptor descriptor) {
    this.site = site;
    this.plan = plan;
    this.descriptor = descriptor;
  }

  static Roster check(
      SiteSession.Site site, RoundPlan plan, NoisedUpdate update, byte[] descriptorView) {
    byte[] document =
        SignedView.decode(descriptorView)
            .verified(SignedView.Kind.DESCRIPTOR, site.membership().aggregator());
    SessionDescriptor descriptor = SessionDescriptor.decode(document);
    Opening opening = new Opening(site, plan, descriptor);
    Roster roster = opening.checkMembership();
    opening.checkPlan(update);
    opening.checkFloors();
    opening.checkGraph();
    opening.checkPast();
    return roster;
  }

  private Roster checkMembership() {
    MembershipEpoch membership = site.membership();
    equal("federation", descriptor.federation(), membership.federation());
    equal("federation epoch", descriptor.federationEpoch(), site.federationEpoch());
    equal("membership version", descriptor.membershipVersion(), membership.version());
    equal("membership", descriptor.membership(), membership.digest());
    if (membership.expired(site.clock().instant())) {
      throw new SessionRefusal(
          SessionRefusal.Reason.NOT_A_MEMBER,
          "membership version %d expired at %s; ask the consortium for a new one"
              .formatted(membership.version(), membership.expiresAt()));
    }
    Roster roster = Roster.of(descriptor, membership);
    if (!roster.key(site.id()).equals(site.key().publicKey())) {
      throw new SessionRefusal(
          SessionRefusal.Reason.NOT_A_MEMBER,
          "roster lists %s with another message key than this site's; enrol it anew"
              .formatted(site.id()));
    }
    return roster;
  }

  private void checkPlan(NoisedUpdate update) {
    equal("plan", descriptor.plan(), plan.digest());
    equal("terms", descriptor.terms(), plan.terms().digest());
    equal("federation", descriptor.federation(), plan.terms().federation());
    equal("run", descriptor.run(), plan.terms().run());
    equal("round", descriptor.round(), plan.round());
    equal("nC", descriptor.quorum().nC(), plan.nC());
    equal("minHonest", descriptor.quorum().minHonest(), plan.minHonest());
    equal("noise", descriptor.noise(), plan.terms().noise());
    equal("suite", descriptor.suite(), plan.suite());
    equal("bits", descriptor.bits(), plan.terms().encoding().bits());
    equal("vector layout", descriptor.vectorLayout(), plan.terms().vector().digest());
    equal("layout of the stored update", update.layout(), plan.terms().vector());
    if (descriptor.roster().size() > plan.terms().encoding().nMax()) {
      throw new SessionRefusal(
          SessionRefusal.Reason.MISMATCH,
          "roster of %d sites; the plan's encoding fits n_max = %d"
              .formatted(descriptor.roster().size(), plan.terms().encoding().nMax()));
    }
    Set<SiteId> invited = new HashSet<>(plan.cohort());
    for (SessionDescriptor.Seat seat : descriptor.roster()) {
      SiteId named = seat.site();
      if (!invited.contains(named)) {
        throw new SessionRefusal(
            SessionRefusal.Reason.MISMATCH,
            "roster names %s, which the plan did not invite".formatted(named));
      }
    }
  }

  private void checkFloors() {
    atLeast("nC", descriptor.quorum().nC(), site.membership().nCFloor(), "the consortium");
    atLeast("nC", descriptor.quorum().nC(), site.nCFloor(), "this site");
    atLeast("minHonest", descriptor.quorum().minHonest(), site.minHonestFloor(), "this site");
  }

  /// The site computes the graph itself: a weaker one is refused.
  private void checkGraph() {
    int n = descriptor.quorum().n();
    int nC = descriptor.quorum().nC();
    SessionDescriptor.Graph wanted;
    try {
      wanted = site.graphRule().graph(n, nC);
    } catch (IllegalArgumentException e) {
      throw new SessionRefusal(
          SessionRefusal.Reason.QUORUM, "session descriptor: " + e.getMessage(), e);
    }
    equal("graph", descriptor.graph(), wanted);
  }

  private void checkPast() {
    Digest session = descriptor.id();
    SiteVault vault = site.vault();
    if (vault.kept(session, SiteVault.Item.TOMBSTONE).isPresent()) {
      throw new SessionRefusal(
          SessionRefusal.Reason.LEFT,
          "this site left session %s; wait for the next one".formatted(session.abbreviated()));
    }
    if (vault.kept(session, SiteVault.Item.CERTIFICATE).isPresent()) {
      throw new SessionRefusal(
          SessionRefusal.Reason.OUT_OF_ORDER,
          "session %s has ended; wait for the next one".formatted(session.abbreviated()));
    }
    if (vault.kept(session, SiteVault.Item.ADVERTISEMENT).isPresent()
        && vault.kept(session, SiteVault.Item.SEED).isEmpty()) {
      throw new SessionRefusal(
          SessionRefusal.Reason.LOST_STATE,
          "this site advertised keys in session %s and its vault holds their seed no longer; a site that lost its state needs a new enrolment"
              .formatted(session.abbreviated()));
    }
    switch (Standing.of(vault, descriptor.terms())) {
      case SPENT ->
          throw new SessionRefusal(
              SessionRefusal.Reason.SPENT,
              "the update of terms %s was released; it is never summed again"
                  .formatted(descriptor.terms().abbreviated()));
      case IN_DOUBT -> {
        if (!Objects.equals(vault.locks().get(descriptor.terms()), session)) {
          throw new SessionRefusal(
              SessionRefusal.Reason.IN_DOUBT,
              "the update of terms %s has a masked input in session %s; it stays out until a certificate proves what became of it"
                  .formatted(
                      descriptor.terms().abbreviated(), vault.locks().get(descriptor.terms())));
        }
      }
      case UNSENT, FREE -> {
        // Opening the session leaves the one that held the update without an input.
      }
    }
    descriptor.previous().ifPresent(this::checkPrevious);
  }

  private void checkPrevious(SessionDescriptor.Previous previous) {
    boolean sent = site.vault().hasInput(previous.session());
    switch (previous) {
      case SessionDescriptor.Previous.NoMaskedInput(var session) when sent ->
          throw new SessionRefusal(
              SessionRefusal.Reason.INCONSISTENT_VIEW,
              "descriptor says that session %s got no masked input; this site sent one there"
                  .formatted(session.abbreviated()));
      case SessionDescriptor.Previous.Aborted(var session, _) when sent -> checkAborted(session);
      case SessionDescriptor.Previous _ -> {
        // Nothing of this site is at stake there.
      }
    }
  }

  /// Any T votes to ABORT prove the same, so the digest of the aggregator's certificate is of no
  /// account beside the one that this site holds.
  private void checkAborted(Digest session) {
    byte[] kept =
        site.vault()
            .kept(session, SiteVault.Item.CERTIFICATE)
            .orElseThrow(() ->
                new SessionRefusal(
                    SessionRefusal.Reason.IN_DOUBT,
                    "this site sent a masked input in session %s and holds no certificate of it"
                        .formatted(session.abbreviated())));
    if (Certificate.decode(kept) instanceof Certificate.Commit) {
      throw new SessionRefusal(
          SessionRefusal.Reason.INCONSISTENT_VIEW,
          "descriptor says that session %s was aborted; this site holds the certificate of its sum"
              .formatted(session.abbreviated()));
    }
  }

  private static void equal(String what, Object found, Object wanted) {
    if (!found.equals(wanted)) {
      throw new SessionRefusal(
          SessionRefusal.Reason.MISMATCH,
          "session descriptor: %s %s; must be %s, as this site knows it"
              .formatted(what, found, wanted));
    }
  }

  private static void atLeast(String what, int found, int floor, String whose) {
    if (found < floor) {
      throw new SessionRefusal(
          SessionRefusal.Reason.QUORUM,
          "session descriptor: %s %d; must be >= %d, the floor of %s"
              .formatted(what, found, floor, whose));
    }
  }
}
