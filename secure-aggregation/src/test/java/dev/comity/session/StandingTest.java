package dev.comity.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// One update, one release: what a site may do with its update after a session, and after a power
/// cut at any moment.
class StandingTest {
  private final Federation federation = new Federation(5, 1);
  private final SiteId site = federation.sites.getFirst();

  private byte[] abortedAfterCollecting() {
    federation.runUntil(ServerSession.State.VOTING);
    federation.sendMoved(new SessionEvent.Cancelled("no longer wanted"));
    federation.run((_, _) -> true);
    return federation.server.certificate().orElseThrow().encode();
  }

  private Optional<SessionDescriptor.Previous> afterAbort() {
    return Optional.of(
        new SessionDescriptor.Previous.Aborted(
            federation.server.descriptor().id(),
            federation.server.certificate().orElseThrow().digest()));
  }

  @Test
  void withTheAbortCertificateTheSameUpdateIsSummedUnderFreshKeys() {
    byte[] certificate = abortedAfterCollecting();
    Digest first = federation.server.descriptor().id();
    Digest firstInput = federation.spooled(site).digest();
    for (SiteId each : federation.sites) {
      assertThat(federation.standing(each)).isEqualTo(Standing.IN_DOUBT);
      assertThat(Standing.settle(federation.vault(each), PrivacyBook.none(), first, certificate))
          .isEqualTo(Standing.FREE);
    }

    federation.retry(federation.sites, afterAbort());
    federation.run((_, _) -> true);

    assertThat(federation.server.state()).isEqualTo(ServerSession.State.DONE);
    assertThat(federation.maskedSum().encode())
        .isEqualTo(federation.plainSum(federation.sites).encode());
    assertThat(federation.spooled(site).digest()).isNotEqualTo(firstInput);
  }

  @Test
  void aRetryWithoutProofIsRefused() {
    abortedAfterCollecting();
    federation.retry(federation.sites, afterAbort());

    assertThatThrownBy(() -> federation.answer(site, SignedView.Kind.DESCRIPTOR))
        .isInstanceOfSatisfying(
            SessionRefusal.class,
            refusal -> assertThat(refusal.reason()).isEqualTo(SessionRefusal.Reason.IN_DOUBT));
  }

  @Test
  void aDescriptorThatDeniesTheMaskedInputIsRefused() {
    byte[] certificate = abortedAfterCollecting();
    Digest first = federation.server.descriptor().id();
    Standing.settle(federation.vault(site), PrivacyBook.none(), first, certificate);
    federation.retry(
        federation.sites, Optional.of(new SessionDescriptor.Previous.NoMaskedInput(first)));

    assertThatThrownBy(() -> federation.answer(site, SignedView.Kind.DESCRIPTOR))
        .isInstanceOf(SessionRefusal.class)
        .hasMessageContaining("this site sent one there");
  }

  @Test
  void aDescriptorThatCallsACertifiedSumAbortedIsRefused() {
    federation.runUntil(ServerSession.State.COLLECTING);
    federation.answer(site, SignedView.Kind.SHARES); // masked, and lost on its way
    federation.run((each, _) -> !each.equals(site));
    assertThat(federation.server.state()).isEqualTo(ServerSession.State.DONE);
    var commit = federation.server.certificate().orElseThrow();
    Digest first = federation.server.descriptor().id();
    assertThat(Standing.settle(federation.vault(site), PrivacyBook.none(), first, commit.encode()))
        .isEqualTo(Standing.FREE);
    federation.retry(
        federation.sites,
        Optional.of(new SessionDescriptor.Previous.Aborted(first, commit.digest())));

    assertThatThrownBy(() -> federation.answer(site, SignedView.Kind.DESCRIPTOR))
        .isInstanceOfSatisfying(
            SessionRefusal.class,
            refusal ->
                assertThat(refusal.reason()).isEqualTo(SessionRefusal.Reason.INCONSISTENT_VIEW));
  }

  @Test
  void aSpentUpdateIsNeverSummedAgain() {
    federation.run((_, _) -> true);
    assertThat(federation.standing(site)).isEqualTo(Standing.SPENT);
    federation.retry(federation.sites, Optional.empty());

    assertThatThrownBy(() -> federation.answer(site, SignedView.Kind.DESCRIPTOR))
        .isInstanceOfSatisfying(
            SessionRefusal.class,
            refusal -> assertThat(refusal.reason()).isEqualTo(SessionRefusal.Reason.SPENT));
  }

  @Test
  void aCertificateOfTooFewOrForgedVotesSettlesNothing() {
    abortedAfterCollecting();
    var abort = (Certificate.Abort) federation.server.certificate().orElseThrow();
    List<Certificate.Vote> votes = abort.votes();
    Certificate tooFew = new Certificate.Abort(abort.session(), votes.subList(0, 3));
    Certificate twice =
        new Certificate.Abort(
            abort.session(), List.of(votes.get(0), votes.get(1), votes.get(2), votes.get(2)));
    Certificate forged =
        new Certificate.Abort(
            abort.session(),
            List.of(
                votes.get(0),
                votes.get(1),
                votes.get(2),
                new Certificate.Vote(votes.get(3).site(), votes.get(0).signature())));

    for (Certificate certificate : List.of(tooFew, twice, forged)) {
      assertThatThrownBy(() ->
              Standing.settle(
                  federation.vault(site),
                  PrivacyBook.none(),
                  abort.session(),
                  certificate.encode()))
          .isInstanceOf(SessionRefusal.class);
      assertThat(federation.standing(site)).isEqualTo(Standing.IN_DOUBT);
    }
  }

  @Test
  void beforeItsMaskedInputASiteLeavesForGood() {
    federation.runUntil(ServerSession.State.COLLECTING);
    SiteSession session = federation.session(site);

    session.leave();

    assertThat(federation.standing(site)).isEqualTo(Standing.FREE);
    assertThatThrownBy(() -> session.mask(federation.view(site)))
        .isInstanceOfSatisfying(
            SessionRefusal.class,
            refusal -> assertThat(refusal.reason()).isEqualTo(SessionRefusal.Reason.LEFT));
  }

  @Test
  void afterItsMaskedInputASiteCannotLeave() {
    federation.runUntil(ServerSession.State.COLLECTING);
    federation.deliver(site, SignedView.Kind.SHARES);

    assertThatThrownBy(() -> federation.session(site).leave())
        .isInstanceOfSatisfying(
            SessionRefusal.class,
            refusal -> assertThat(refusal.reason()).isEqualTo(SessionRefusal.Reason.IN_DOUBT));
  }

  @Tag("exhaustive")
  @Test
  void aPowerCutBeforeAnyWriteLeavesAnUpdateThatACertificateSettles() {
    for (int write = 0; write < 16; write++) {
      Federation cut = new Federation(5, 1);
      SiteId victim = cut.sites.get(2);
      MemoryVault vault = (MemoryVault) cut.vault(victim);
      vault.failBeforeWrite(write);
      boolean[] dark = {false};

      while (cut.server.verdict().isEmpty()) {
        try {
          cut.run((each, _) -> !(dark[0] && each.equals(victim)));
          if (dark[0] && cut.server.verdict().isEmpty()) {
            throw new AssertionError("power cut before write " + write + " stopped the session");
          }
        } catch (MemoryVault.PowerLost _) {
          dark[0] = true;
        }
      }
      vault.restorePower();

      assertThat(cut.server.state()).isEqualTo(ServerSession.State.DONE);
      assertThat(cut.maskedSum().encode()).isEqualTo(cut.plainSum(cut.server.survivors()).encode());
      Digest session = cut.server.descriptor().id();
      if (cut.standing(victim) == Standing.UNSENT) {
        SiteSession.leave(vault, session);
        assertThat(cut.standing(victim)).isEqualTo(Standing.FREE);
      } else if (cut.standing(victim) == Standing.IN_DOUBT) {
        Standing.settle(
            vault, PrivacyBook.none(), session, cut.server.certificate().orElseThrow().encode());
      }
      assertThat(cut.standing(victim))
          .isEqualTo(cut.server.survivors().contains(victim) ? Standing.SPENT : Standing.FREE);
    }
  }

  @Test
  void aSiteThatRestartedCanStillVoteAbort() {
    federation.runUntil(ServerSession.State.VOTING);
    federation.sendMoved(new SessionEvent.Cancelled("no longer wanted"));

    for (SiteId each : federation.sites) {
      SiteSession again =
          SiteSession.reopen(
              federation.site(each), federation.server.descriptor().id(), _ -> Optional.empty());
      if (federation.server.state() == ServerSession.State.ABORTING) {
        federation.send(again.abort(federation.view(each)));
      }
    }

    assertThat(federation.server.state()).isEqualTo(ServerSession.State.ABORTED);
    assertThat(federation.server.certificate()).isPresent();
  }
}
