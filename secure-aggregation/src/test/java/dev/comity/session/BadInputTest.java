package dev.comity.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.comity.codec.Bytes;
import dev.comity.codec.CborWriter;
import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import java.util.HexFormat;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Every kind of bad message in every state of the aggregator and at every step of a site: a code
/// names it, its content is not repeated, and nothing changes.
class BadInputTest {
  private static final SiteId STRANGER = new SiteId("stranger");
  private static final byte[] GARBAGE = HexFormat.of().parseHex("0badc0de0badc0de");

  private static Federation in(ServerSession.State state) {
    Federation federation =
        state == ServerSession.State.RELEASING
            ? new Federation(12, 1, new GraphRule(7, 120, 20, 200))
            : new Federation(5, 1);
    if (state == ServerSession.State.ABORTING || state == ServerSession.State.ABORTED) {
      federation.runUntil(ServerSession.State.COLLECTING);
      federation.sendMoved(new SessionEvent.Cancelled("no longer wanted"));
    }
    if (state == ServerSession.State.ABORTED) {
      federation.run((_, _) -> true);
    } else {
      federation.runUntil(state);
    }
    return federation;
  }

  private static Digest preceding(ServerSession session) {
    return switch (session) {
      case AdvertisingKeys state -> state.roster().session();
      case SharingKeys state -> state.keys().h1();
      case Collecting state -> state.dealing().shares().h2();
      case Voting state -> state.headers().h3();
      case Releasing state -> state.headers().h3();
      case Unmasking state -> state.headers().h3();
      case Aborting state -> state.descriptor().id();
      case Done _, Aborted _ -> throw new AssertionError("waits for no message");
    };
  }

  private static void assertRefused(
      Federation federation, SignedMessage message, SessionRefusal.Reason code) {
    ServerSession before = federation.server;

    assertThat(federation.send(message))
        .isInstanceOfSatisfying(
            ServerSession.Transition.Refused.class,
            refused -> {
              assertThat(refused.code()).as(refused.reason()).isEqualTo(code);
              assertQuiet(refused.reason(), message);
            });
    assertThat(federation.server).isSameAs(before);
  }

  private static void assertIgnored(
      Federation federation, SessionEvent event, ServerSession.Transition.Cause code) {
    ServerSession before = federation.server;

    assertThat(federation.send(event))
        .isInstanceOfSatisfying(
            ServerSession.Transition.Ignored.class,
            ignored -> {
              assertThat(ignored.code()).as(ignored.reason()).isEqualTo(code);
              if (event instanceof SessionEvent.MessageReceived(var message)) {
                assertQuiet(ignored.reason(), message);
              }
            });
    assertThat(federation.server).isSameAs(before);
  }

  /// Holds nothing of the body or the signature.
  private static void assertQuiet(String reason, SignedMessage message) {
    String body = HexFormat.of().formatHex(message.body().toByteArray());
    String signature = HexFormat.of().formatHex(message.signature().toByteArray());
    assertThat(reason)
        .doesNotContain(signature.substring(0, 16))
        .doesNotContain(body.substring(0, 16))
        .hasSizeLessThan(1000);
  }

  @ParameterizedTest
  @EnumSource(
      mode = EnumSource.Mode.EXCLUDE,
      names = {"DONE", "ABORTED"})
  void theAggregatorNamesEachBadMessageAndStaysWhereItIs(ServerSession.State state) {
    Federation federation = in(state);
    ServerSession.Owed owed = federation.server.owed().getFirst();
    SiteId site = owed.site();
    SignedMessage.Phase phase = owed.view().answer();
    Digest preceding = preceding(federation.server);
    SignedMessage honest = federation.answer(site, owed.view());
    byte[] signature = honest.signature().toByteArray();
    signature[7] ^= 1;

    assertRefused(
        federation, of(honest, Digest.of(GARBAGE), site, phase), SessionRefusal.Reason.MISMATCH);
    assertRefused(
        federation,
        of(honest, honest.session(), STRANGER, phase),
        SessionRefusal.Reason.NOT_A_MEMBER);
    if (phase != SignedMessage.Phase.UNMASK) { // the last of all
      assertRefused(
          federation,
          of(honest, honest.session(), site, SignedMessage.Phase.UNMASK),
          SessionRefusal.Reason.OUT_OF_ORDER);
    }
    assertRefused(
        federation,
        new SignedMessage(
            honest.session(), site, phase, Bytes.of(new byte[(1 << 20) + 1]), honest.signature()),
        SessionRefusal.Reason.TOO_LARGE);
    assertRefused(
        federation,
        federation.signed(site, phase, preceding, GARBAGE),
        SessionRefusal.Reason.MALFORMED);
    assertRefused(
        federation,
        new SignedMessage(honest.session(), site, phase, honest.body(), Bytes.of(signature)),
        SessionRefusal.Reason.BAD_SIGNATURE);
    assertRefused(
        federation,
        of(honest, honest.session(), federation.server.owed().getLast().site(), phase),
        phase == SignedMessage.Phase.SHARE_KEYS
            ? SessionRefusal.Reason.MALFORMED // another dealer has no ciphertext for itself
            : SessionRefusal.Reason.BAD_SIGNATURE);
    if (state != ServerSession.State.ADVERTISING_KEYS) {
      assertIgnored(
          federation,
          new SessionEvent.MessageReceived(
              of(honest, honest.session(), site, SignedMessage.Phase.ADVERTISE_KEYS)),
          ServerSession.Transition.Cause.LATE);
    }

    federation.sendMoved(new SessionEvent.MessageReceived(honest));
    assertIgnored(
        federation,
        new SessionEvent.MessageReceived(honest),
        ServerSession.Transition.Cause.REPEATED);
    if (phase != SignedMessage.Phase.VOTE) {
      assertRefused(
          federation,
          new SignedMessage(honest.session(), site, phase, honest.body(), Bytes.of(signature)),
          SessionRefusal.Reason.EQUIVOCATION);
    }
  }

  private static SignedMessage of(
      SignedMessage honest, Digest session, SiteId sender, SignedMessage.Phase phase) {
    return new SignedMessage(session, sender, phase, honest.body(), honest.signature());
  }

  @ParameterizedTest
  @EnumSource
  void theAggregatorNamesEachUselessEventAndStaysWhereItIs(ServerSession.State state) {
    Federation federation = in(state);
    boolean over = state == ServerSession.State.DONE || state == ServerSession.State.ABORTED;

    for (SignedMessage.Phase phase : SignedMessage.Phase.values()) {
      if (!federation.server.deadline().filter(phase::equals).isPresent()) {
        assertIgnored(
            federation,
            new SessionEvent.PhaseDeadlinePassed(phase),
            over
                ? ServerSession.Transition.Cause.OVER
                : ServerSession.Transition.Cause.NOT_RUNNING);
      }
    }
    switch (state) {
      case ADVERTISING_KEYS, SHARING_KEYS, COLLECTING, VOTING ->
          assertIgnored(
              federation,
              new SessionEvent.MemberRevoked(STRANGER),
              ServerSession.Transition.Cause.NOT_CONCERNED);
      case RELEASING, UNMASKING, ABORTING -> {
        assertIgnored(
            federation,
            new SessionEvent.MemberRevoked(federation.sites.getFirst()),
            ServerSession.Transition.Cause.DECIDED);
        assertIgnored(
            federation,
            new SessionEvent.Cancelled("again"),
            ServerSession.Transition.Cause.DECIDED);
      }
      case DONE, ABORTED -> {
        assertIgnored(
            federation, new SessionEvent.Cancelled("again"), ServerSession.Transition.Cause.OVER);
        assertIgnored(
            federation,
            new SessionEvent.MessageReceived(
                federation.signed(
                    federation.sites.getFirst(), SignedMessage.Phase.VOTE, Ballot.ABORT.body())),
            ServerSession.Transition.Cause.OVER);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void theAggregatorTakesAMaskedVectorOnlyInItsTimeAndUnderItsHeader(ServerSession.State state) {
    Federation federation = in(state);
    SiteId site = federation.sites.getFirst();
    var stored = new SessionEvent.MaskedInputStored(site, Digest.of(GARBAGE));
    ServerSession before = federation.server;

    ServerSession.Transition transition = federation.send(stored);

    switch (state) {
      case ADVERTISING_KEYS, SHARING_KEYS ->
          assertThat(((ServerSession.Transition.Refused) transition).code())
              .isEqualTo(SessionRefusal.Reason.OUT_OF_ORDER);
      case COLLECTING ->
          assertThat(((ServerSession.Transition.Refused) transition).code())
              .isEqualTo(SessionRefusal.Reason.MISMATCH);
      case VOTING, RELEASING, UNMASKING, ABORTING ->
          assertThat(((ServerSession.Transition.Ignored) transition).code())
              .isEqualTo(ServerSession.Transition.Cause.LATE);
      case DONE, ABORTED ->
          assertThat(((ServerSession.Transition.Ignored) transition).code())
              .isEqualTo(ServerSession.Transition.Cause.OVER);
    }
    assertThat(federation.server).isSameAs(before);
  }

  /// A federation whose first site owes the answer to a view of `step`.
  private static Federation before(SignedView.Kind step) {
    return in(
        switch (step) {
          case DESCRIPTOR -> ServerSession.State.ADVERTISING_KEYS;
          case KEYS -> ServerSession.State.SHARING_KEYS;
          case SHARES -> ServerSession.State.COLLECTING;
          case HEADERS -> ServerSession.State.VOTING;
          case RELEASE -> ServerSession.State.RELEASING;
          case CERTIFICATE -> ServerSession.State.UNMASKING;
          case ABORT_PROPOSAL -> ServerSession.State.ABORTING;
        });
  }

  private static SignedMessage show(
      Federation federation, SiteId site, SignedView.Kind step, byte[] view) {
    return switch (step) {
      case DESCRIPTOR ->
          SiteSession.open(
                  federation.site(site),
                  federation.plan,
                  Objects.requireNonNull(federation.updates.get(site)),
                  view)
              .advertise();
      case KEYS -> federation.session(site).share(view);
      case SHARES -> federation.session(site).mask(view).header();
      case HEADERS -> federation.session(site).vote(view);
      case RELEASE -> federation.session(site).release(view);
      case CERTIFICATE -> federation.session(site).unmask(view);
      case ABORT_PROPOSAL -> federation.session(site).abort(view);
    };
  }

  @ParameterizedTest
  @EnumSource
  void aSiteNamesEachBadViewAndKeepsNothingOfIt(SignedView.Kind step) {
    Federation federation = before(step);
    SiteId site = federation.sites.getFirst();
    Digest session = federation.server.descriptor().id();
    SignedView.Kind another =
        step == SignedView.Kind.KEYS ? SignedView.Kind.SHARES : SignedView.Kind.KEYS;
    CborWriter unknown = CborWriter.map().text("unknown", "field");

    assertRefused(federation, step, GARBAGE, SessionRefusal.Reason.MALFORMED);
    assertRefused(
        federation,
        step,
        federation
            .server
            .viewFor(site, federation.key(federation.sites.get(1)))
            .orElseThrow()
            .encode(),
        SessionRefusal.Reason.BAD_SIGNATURE);
    if (step == SignedView.Kind.DESCRIPTOR || step == SignedView.Kind.ABORT_PROPOSAL) {
      assertRefused( // another label
          federation,
          step,
          SignedView.of(another, session, unknown, federation.aggregator).encode(),
          SessionRefusal.Reason.BAD_SIGNATURE);
    } else {
      assertRefused(
          federation,
          step,
          SignedView.of(another, session, unknown, federation.aggregator).encode(),
          SessionRefusal.Reason.MISMATCH);
      assertRefused(
          federation,
          step,
          SignedView.of(step, Digest.of(GARBAGE), unknown, federation.aggregator).encode(),
          SessionRefusal.Reason.MISMATCH);
    }
    if (step != SignedView.Kind.DESCRIPTOR && step != SignedView.Kind.HEADERS) {
      assertRefused(
          federation,
          step,
          SignedView.of(step, session, unknown, federation.aggregator).encode(),
          SessionRefusal.Reason.MALFORMED);
    }

    assertThat(show(federation, site, step, federation.view(site)).phase())
        .isEqualTo(step.answer());
  }

  private static void assertRefused(
      Federation federation, SignedView.Kind step, byte[] view, SessionRefusal.Reason code) {
    SiteId site = federation.sites.getFirst();
    MemoryVault vault = (MemoryVault) federation.vault(site);
    String before = vault.contents();

    assertThatThrownBy(() -> show(federation, site, step, view))
        .isInstanceOfSatisfying(
            SessionRefusal.class,
            refusal -> {
              assertThat(refusal.reason()).as(refusal.getMessage()).isEqualTo(code);
              assertThat(refusal.getMessage()).hasSizeLessThan(1000);
            });
    assertThat(vault.contents()).isEqualTo(before);
  }

  @Test
  void aSignedListOfHeadersThatCannotBeReadIsAnInconsistentViewAndMakesTheSiteAbort() {
    Federation federation = before(SignedView.Kind.HEADERS);
    SiteId site = federation.sites.getFirst();

    SignedMessage vote =
        federation
            .session(site)
            .vote(
                SignedView.of(
                        SignedView.Kind.HEADERS,
                        federation.server.descriptor().id(),
                        CborWriter.map().text("unknown", "field"),
                        federation.aggregator)
                    .encode());

    assertThat(Ballot.decode(vote.body().toByteArray())).isEqualTo(Ballot.ABORT);
  }

  @ParameterizedTest
  @EnumSource(
      mode = EnumSource.Mode.EXCLUDE,
      names = {"DESCRIPTOR"})
  void aStepBeforeItsTurnIsRefused(SignedView.Kind step) {
    Federation federation = new Federation(5, 1);
    SiteId site = federation.sites.getFirst();
    SiteSession opened =
        SiteSession.open(
            federation.site(site),
            federation.plan,
            Objects.requireNonNull(federation.updates.get(site)),
            federation.view(site));
    federation.sessions.put(site, opened);
    CborWriter content =
        step == SignedView.Kind.ABORT_PROPOSAL
            ? CborWriter.map().text("reason", "too soon")
            : CborWriter.map();
    if (step == SignedView.Kind.KEYS) {
      Federation others = new Federation(5, 1);
      others.runUntil(ServerSession.State.SHARING_KEYS);
      content = ((SharingKeys) others.server).keys().toCbor();
    }

    assertRefused(
        federation,
        step,
        SignedView.of(step, opened.id(), content, federation.aggregator).encode(),
        SessionRefusal.Reason.OUT_OF_ORDER);
  }
}
