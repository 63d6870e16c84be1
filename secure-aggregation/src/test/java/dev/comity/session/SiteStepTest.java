package dev.comity.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.comity.codec.CborWriter;
import dev.comity.membership.MembershipEpoch;
import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import dev.comity.plan.Suite;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/// What a site refuses at each step whatever it is shown: after it left, after the session ended,
/// after its ABORT, without a vote, and against its own word.
class SiteStepTest {
  private static final GraphRule SMALL_RINGS = new GraphRule(7, 120, 20, 200);

  private Federation federation = new Federation(5, 1);
  private SiteId site = federation.sites.getFirst();

  /// Every view that a session shows `site`, while it answers those that `answers` says and no
  /// others, and every other site answers all.
  private Map<SignedView.Kind, byte[]> viewsWhileItAnswersOnlyUpTo(SignedView.Kind last) {
    Map<SignedView.Kind, byte[]> views = new EnumMap<>(SignedView.Kind.class);
    federation.run((each, kind) -> {
      if (each.equals(site)) {
        views.put(kind, federation.view(site));
        return kind.compareTo(last) <= 0;
      }
      return true;
    });
    return views;
  }

  private static void assertRefused(
      SessionRefusal.Reason reason, String words, Runnable step, Object described) {
    assertThatThrownBy(step::run)
        .as("%s", described)
        .isInstanceOfSatisfying(
            SessionRefusal.class,
            refusal -> {
              assertThat(refusal.reason()).as(refusal.getMessage()).isEqualTo(reason);
              assertThat(refusal.getMessage()).contains(words);
            });
  }

  private void show(SignedView.Kind step, byte[] view) {
    SiteSession session = federation.session(site);
    SignedMessage answer =
        switch (step) {
          case DESCRIPTOR -> session.advertise();
          case KEYS -> session.share(view);
          case SHARES -> session.mask(view).header();
          case HEADERS -> session.vote(view);
          case RELEASE -> session.release(view);
          case CERTIFICATE -> session.unmask(view);
          case ABORT_PROPOSAL -> session.abort(view);
        };
    assertThat(answer.phase()).isEqualTo(step.answer());
  }

  private void onARing() {
    federation = new Federation(12, 1, SMALL_RINGS);
    site = federation.sites.getFirst();
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void whoLeftTakesNoStepOfTheSessionAnyMore(boolean ring) {
    if (ring) {
      onARing();
    }
    Map<SignedView.Kind, byte[]> views = viewsWhileItAnswersOnlyUpTo(SignedView.Kind.KEYS);
    assertThat(views)
        .containsKeys(SignedView.Kind.HEADERS, SignedView.Kind.CERTIFICATE)
        .hasSize(ring ? 6 : 5);

    federation.session(site).leave();

    views.forEach((step, view) ->
        assertRefused(SessionRefusal.Reason.LEFT, "left session", () -> show(step, view), step));
  }

  /// The sum was made without this site, and it has seen the certificate.
  @ParameterizedTest
  @EnumSource(names = {"DESCRIPTOR", "KEYS"})
  void aSessionThatEndedAsksNothingMore(SignedView.Kind lastAnswered) {
    Map<SignedView.Kind, byte[]> views = viewsWhileItAnswersOnlyUpTo(lastAnswered);
    assertThat(federation.server.state()).isEqualTo(ServerSession.State.DONE);
    Standing.settle(
        federation.vault(site),
        PrivacyBook.none(),
        federation.session(site).id(),
        federation.server.certificate().orElseThrow().encode());
    federation.restart(site);

    views.forEach((step, view) -> {
      if (step.compareTo(lastAnswered) > 0) {
        assertRefused(
            SessionRefusal.Reason.OUT_OF_ORDER, "has ended", () -> show(step, view), step);
      }
    });
  }

  @Test
  void aSessionThatEndedBeforeThisSiteAdvertisedAsksNothingMore() {
    SiteSession late =
        SiteSession.open(
            federation.site(site),
            federation.plan,
            Objects.requireNonNull(federation.updates.get(site)),
            federation.view(site));
    federation.run((each, _) -> !each.equals(site));
    Standing.settle(
        federation.vault(site),
        PrivacyBook.none(),
        late.id(),
        federation.server.certificate().orElseThrow().encode());

    assertRefused(SessionRefusal.Reason.OUT_OF_ORDER, "has ended", late::advertise, "P1");
  }

  @Test
  void onARingASessionThatEndedAsksForNoReleaseAndNoShares() {
    onARing();
    Map<SignedView.Kind, byte[]> views = viewsWhileItAnswersOnlyUpTo(SignedView.Kind.SHARES);
    assertThat(federation.server.state()).isEqualTo(ServerSession.State.DONE);
    Standing.settle(
        federation.vault(site),
        PrivacyBook.none(),
        federation.session(site).id(),
        federation.server.certificate().orElseThrow().encode());

    for (SignedView.Kind step :
        List.of(SignedView.Kind.HEADERS, SignedView.Kind.RELEASE, SignedView.Kind.CERTIFICATE)) {
      byte[] view = Objects.requireNonNull(views.get(step));
      assertRefused(SessionRefusal.Reason.OUT_OF_ORDER, "has ended", () -> show(step, view), step);
    }
  }

  @Test
  void afterItsAbortASiteMasksNothing() {
    federation.runUntil(ServerSession.State.COLLECTING);
    byte[] shares = federation.view(site);
    federation.session(site).abort(proposal());

    assertRefused(
        SessionRefusal.Reason.OUT_OF_ORDER,
        "was aborted",
        () -> show(SignedView.Kind.SHARES, shares),
        "P3");
    assertThat(federation.vault(site).hasInput(federation.session(site).id())).isFalse();
  }

  private byte[] proposal() {
    return SignedView.of(
            SignedView.Kind.ABORT_PROPOSAL,
            federation.server.descriptor().id(),
            CborWriter.map().text("reason", "not wanted"),
            federation.aggregator)
        .encode();
  }

  @Test
  void whoDealtNoSharesHasNoVote() {
    viewsWhileItAnswersOnlyUpTo(SignedView.Kind.DESCRIPTOR);
    byte[] headers =
        SignedView.of(
                SignedView.Kind.HEADERS,
                federation.server.descriptor().id(),
                CborWriter.map(),
                federation.aggregator)
            .encode();

    assertRefused(
        SessionRefusal.Reason.OUT_OF_ORDER,
        "has no vote",
        () -> show(SignedView.Kind.HEADERS, headers),
        "COMMIT");
    assertRefused(
        SessionRefusal.Reason.OUT_OF_ORDER,
        "has no vote",
        () -> show(SignedView.Kind.ABORT_PROPOSAL, proposal()),
        "ABORT");
  }

  /// T others may have voted for other survivors than this site; it never answers both.
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void whoVotedForSomeSurvivorsNeverAnswersACertificateOfOthers(boolean ring) {
    if (ring) {
      onARing();
    }
    federation.runUntil(ServerSession.State.VOTING);
    Voting voting = (Voting) federation.server;
    federation.answer(site, SignedView.Kind.HEADERS);
    List<SignedMessage> fewer = new ArrayList<>(voting.headers().messages().values());
    fewer.removeLast();
    HeaderList others = HeaderList.of(voting.headers().shares(), fewer);
    List<Certificate.Vote> votes =
        votes(others.h3(), SignedMessage.Phase.VOTE, Ballot.COMMIT.body());
    var commit =
        new Certificate.Commit(
            voting.dealing().roster().session(),
            voting.dealing().shares().h2(),
            others.inputs(),
            votes);
    CborWriter content = others.shownTo(site).bytes("certificate", commit.encode());

    if (ring) {
      byte[] release =
          voting.dealing().view(SignedView.Kind.RELEASE, content, federation.aggregator).encode();
      assertRefused(
          SessionRefusal.Reason.INCONSISTENT_VIEW,
          "different set of survivors",
          () -> show(SignedView.Kind.RELEASE, release),
          "RELEASE");
      content =
          others
              .shownTo(site)
              .bytes("certificate", commit.encode())
              .maps(
                  "releases",
                  votes(others.h3(), SignedMessage.Phase.RELEASE, Ballot.releaseBody()),
                  Votes::toCbor);
    }
    byte[] certificate =
        voting.dealing().view(SignedView.Kind.CERTIFICATE, content, federation.aggregator).encode();
    assertRefused(
        SessionRefusal.Reason.INCONSISTENT_VIEW,
        "different set of survivors",
        () -> show(SignedView.Kind.CERTIFICATE, certificate),
        "UNMASK");
  }

  private List<Certificate.Vote> votes(Digest h3, SignedMessage.Phase phase, byte[] body) {
    return federation.sites.stream()
        .filter(each -> !each.equals(site))
        .map(each ->
            new Certificate.Vote(each, federation.signed(each, phase, h3, body).signature()))
        .toList();
  }

  @Test
  void openingTheNextSessionLeavesTheOneThatGotNoMaskedInput() {
    federation.runUntil(ServerSession.State.COLLECTING);
    SiteSession first = federation.session(site);
    federation.retry(federation.sites, Optional.empty());

    federation.answer(site, SignedView.Kind.DESCRIPTOR);

    assertThat(federation.vault(site).kept(first.id(), SiteVault.Item.TOMBSTONE)).isPresent();
    assertThat(federation.vault(site).locks())
        .containsExactly(Map.entry(federation.terms(), federation.server.descriptor().id()));
  }

  @Test
  void anotherListUnderTheVersionThatASiteKnowsIsNotTaken() {
    MembershipEpoch known = federation.membership;
    MembershipEpoch forged =
        new MembershipEpoch(
            known.federation(),
            known.version(),
            known.issuedAt(),
            known.expiresAt().plusSeconds(1),
            known.aggregator(),
            known.members(),
            List.of(),
            known.nCFloor(),
            known.allowedArchitectures(),
            Optional.empty());
    SiteSession session =
        SiteSession.open(
            federation.site(site),
            federation.plan,
            Objects.requireNonNull(federation.updates.get(site)),
            federation.view(site));

    session.learn(forged);

    assertThat(Advertisement.of(session.advertise(), Suite.Agreement.X25519).membership())
        .isEqualTo(known.digest());
  }
}
