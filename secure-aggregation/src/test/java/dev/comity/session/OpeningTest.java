package dev.comity.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.comity.plan.Architecture;
import dev.comity.plan.Digest;
import dev.comity.plan.Encoding;
import dev.comity.plan.Noise;
import dev.comity.plan.Quorum;
import dev.comity.plan.RoundPlan;
import dev.comity.plan.RunId;
import dev.comity.plan.RunKind;
import dev.comity.plan.SiteId;
import dev.comity.plan.VectorLayout;
import dev.comity.update.LocalUpdate;
import dev.comity.update.Metrics;
import dev.comity.update.NoisedUpdate;
import dev.comity.update.RoundingKey;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/// What a site asks of a descriptor before it lends its update to the session.
class OpeningTest {
  private final Federation federation = new Federation(5, 1);
  private final SiteId site = federation.sites.getFirst();
  private final RoundPlan plan = federation.plan;
  private final SessionDescriptor first = federation.server.descriptor();

  private SiteSession open(RoundPlan of, NoisedUpdate update, SessionDescriptor descriptor) {
    return SiteSession.open(
        federation.site(site),
        of,
        update,
        SignedView.descriptor(descriptor, federation.aggregator).encode());
  }

  private NoisedUpdate stored() {
    return Objects.requireNonNull(federation.updates.get(site));
  }

  private void assertRefused(
      SessionRefusal.Reason reason, String why, RoundPlan of, SessionDescriptor descriptor) {
    assertRefused(reason, why, () -> open(of, stored(), descriptor));
  }

  private static void assertRefused(SessionRefusal.Reason reason, String why, Runnable step) {
    assertThatThrownBy(step::run)
        .isInstanceOfSatisfying(
            SessionRefusal.class, refusal -> assertThat(refusal.reason()).isEqualTo(reason))
        .hasMessageContaining(why);
  }

  private static RoundPlan invited(RoundPlan plan, List<SiteId> cohort) {
    return new RoundPlan(
        plan.terms(),
        plan.round(),
        cohort,
        plan.serverStep(),
        plan.minReady() - 1,
        plan.nC(),
        plan.minHonest(),
        plan.silenceLimit(),
        plan.hardLimit(),
        plan.suite());
  }

  private static SessionDescriptor with(SessionDescriptor descriptor, Digest plan, Quorum quorum) {
    return new SessionDescriptor(
        descriptor.federation(),
        descriptor.federationEpoch(),
        descriptor.run(),
        descriptor.round(),
        descriptor.attempt(),
        descriptor.nonce(),
        descriptor.previous(),
        plan,
        descriptor.terms(),
        descriptor.membership(),
        descriptor.membershipVersion(),
        descriptor.roster(),
        quorum,
        descriptor.vectorLayout(),
        descriptor.bits(),
        descriptor.noise(),
        descriptor.suite(),
        descriptor.graph(),
        descriptor.advertising(),
        descriptor.sharing(),
        descriptor.collecting());
  }

  @Test
  void anotherNumberOfHonestContributorsThanThePlanHasIsRefused() {
    assertRefused(
        SessionRefusal.Reason.MISMATCH,
        "minHonest 4; must be 3",
        plan,
        with(first, first.plan(), new Quorum(5, 1, 4)));
  }

  @Test
  void aSiteThatThePlanDidNotInviteIsRefused() {
    RoundPlan four = invited(plan, federation.sites.subList(0, 4));

    assertRefused(
        SessionRefusal.Reason.MISMATCH,
        "roster names site-4, which the plan did not invite",
        four,
        with(first, four.digest(), first.quorum()));
  }

  @Test
  void anUpdateThatWasEncodedForAnotherLayoutIsNotLent() {
    Architecture architecture = plan.terms().architecture();
    VectorLayout other =
        VectorLayout.of(RunKind.TRAIN, architecture, new Encoding(32, 512), 2.5, 2000, 20);
    List<Long> bins = Collections.nCopies(VectorLayout.HISTOGRAM_BINS, 1L);
    NoisedUpdate update =
        LocalUpdate.of(new float[7], 0.5, new Metrics(3.5, 40, 64, bins, bins))
            .clip(2.5)
            .encode(
                other,
                RoundingKey.derive(
                    new byte[32], new RunId(new UUID(3, 5)), RunKind.TRAIN, 0, new float[] {1}))
            .noise(new Noise.None());

    assertRefused(
        SessionRefusal.Reason.MISMATCH,
        "layout of the stored update",
        () -> open(plan, update, first));
    assertThat(federation.vault(site).locks()).isEmpty();
  }

  @Test
  void aSessionThatThisSiteLeftIsNotOpenedAgain() {
    open(plan, stored(), first).leave();

    assertRefused(SessionRefusal.Reason.LEFT, "this site left session", plan, first);
  }

  @Test
  void keysWithoutTheSeedThatTheyCameFromAreALostState() {
    federation.vault(site).keep(first.id(), SiteVault.Item.ADVERTISEMENT, new byte[] {1});

    assertRefused(SessionRefusal.Reason.LOST_STATE, "holds their seed no longer", plan, first);
  }

  @Test
  void theSessionThatHoldsTheMaskedInputIsOpenedAgainAndNoOther() {
    federation.runUntil(ServerSession.State.VOTING);
    SessionDescriptor second = federation.descriptor(federation.sites, Optional.empty());

    assertThat(open(plan, stored(), first).id()).isEqualTo(first.id());
    assertRefused(
        SessionRefusal.Reason.IN_DOUBT,
        "has a masked input in session " + first.id(),
        plan,
        second);
    assertThat(federation.vault(site).locks()).containsValue(first.id());
  }

  @Test
  void aSessionThatEndedAndAnUpdateThatWasReleasedAreRefusedEachByItsName() {
    federation.runUntil(ServerSession.State.UNMASKING);
    federation.run((each, kind) -> true);
    assertThat(federation.standing(site)).isEqualTo(Standing.SPENT);

    assertRefused(SessionRefusal.Reason.OUT_OF_ORDER, "has ended", plan, first);
    assertRefused(
        SessionRefusal.Reason.SPENT,
        "was released; it is never summed again",
        plan,
        federation.descriptor(federation.sites, Optional.empty()));
  }

  /// After an ABORT certificate the update is free again, and the next descriptor must tell so.
  @Test
  void aDescriptorThatDeniesTheMaskedInputOfTheSessionBeforeIsRefused() {
    federation.runUntil(ServerSession.State.VOTING);
    federation.send(new SessionEvent.Cancelled("the operator wants another one"));
    federation.run((each, kind) -> true);
    Certificate proof = federation.server.certificate().orElseThrow();
    Standing.settle(federation.vault(site), federation.book(site), first.id(), proof.encode());
    assertThat(federation.standing(site)).isEqualTo(Standing.FREE);
    SessionDescriptor denying =
        federation.descriptor(
            federation.sites,
            Optional.of(new SessionDescriptor.Previous.NoMaskedInput(first.id())));
    SessionDescriptor truthful =
        federation.descriptor(
            federation.sites,
            Optional.of(new SessionDescriptor.Previous.Aborted(first.id(), proof.digest())));

    assertRefused(
        SessionRefusal.Reason.INCONSISTENT_VIEW,
        "says that session %s got no masked input".formatted(first.id().abbreviated()),
        plan,
        denying);
    assertThat(open(plan, stored(), truthful).id()).isEqualTo(truthful.id());
  }
}
