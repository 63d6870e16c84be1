package dev.comity.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.comity.codec.Bytes;
import dev.comity.codec.CborWriter;
import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import dev.comity.plan.Suite;
import dev.comity.update.MaskedUpdate;
import dev.comity.update.NoisedUpdate;
import java.time.Clock;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/// What the aggregator and the sites refuse, by name.
class RefusalTest {
  private final Federation federation = new Federation(5, 1);
  private final SiteId site = federation.sites.getFirst();
  private final SiteId other = federation.sites.get(1);

  private void assertRefused(SignedMessage message, String why) {
    assertThat(federation.send(message))
        .isInstanceOfSatisfying(
            ServerSession.Transition.Refused.class,
            refused -> assertThat(refused.reason()).contains(why));
  }

  private static void assertRefusal(Runnable step, SessionRefusal.Reason reason) {
    assertThatThrownBy(step::run)
        .isInstanceOfSatisfying(
            SessionRefusal.class, refusal -> assertThat(refusal.reason()).isEqualTo(reason));
  }

  @Test
  void aMessageOfAnotherSessionIsRefused() {
    SignedMessage old = federation.answer(site, SignedView.Kind.DESCRIPTOR);
    federation.session(site).leave();
    federation.retry(federation.sites, Optional.empty());

    assertRefused(old, "message of session");
    assertRefused(
        new SignedMessage(
            federation.server.descriptor().id(), site, old.phase(), old.body(), old.signature()),
        "signature does not verify");
  }

  @Test
  void aMessageOfAnotherPhaseOrSenderIsRefused() {
    SignedMessage first = federation.answer(site, SignedView.Kind.DESCRIPTOR);

    assertRefused(
        new SignedMessage(
            first.session(), site, SignedMessage.Phase.VOTE, first.body(), first.signature()),
        "came early");
    assertRefused(
        new SignedMessage(first.session(), other, first.phase(), first.body(), first.signature()),
        "signature does not verify");
    assertRefused(
        new SignedMessage(
            first.session(),
            new SiteId("stranger"),
            first.phase(),
            first.body(),
            first.signature()),
        "not in the roster");
  }

  @Test
  void aRepeatedMessageIsIgnoredAndADifferentOneRefused() {
    SignedMessage first = federation.answer(site, SignedView.Kind.DESCRIPTOR);
    federation.send(first);

    assertThat(federation.send(first)).isInstanceOf(ServerSession.Transition.Ignored.class);
    assertRefused(
        federation.signed(site, SignedMessage.Phase.ADVERTISE_KEYS, new byte[] {1}), "second");
  }

  @Test
  void lowOrderNonCanonicalAndRepeatedKeysAreRefused() {
    SignedMessage honest = federation.answer(site, SignedView.Kind.DESCRIPTOR);
    Advertisement keys = Advertisement.of(honest, Suite.Agreement.X25519);
    Bytes lowOrder = Bytes.of(new byte[32]);
    byte[] notCanonical = new byte[32];
    Arrays.fill(notCanonical, (byte) 0xff);

    assertRefused(advertising(other, with(keys, lowOrder)), "small order");
    assertRefused(advertising(other, with(keys, Bytes.of(notCanonical))), "canonical");
    assertRefused(advertising(other, with(keys, keys.channelKey())), "the same");
    federation.send(honest);
    assertRefused(advertising(other, keys), site.value());
  }

  private static Advertisement with(Advertisement keys, Bytes maskKey) {
    return new Advertisement(
        maskKey,
        keys.channelKey(),
        keys.seedCommitment(),
        keys.graphRandomness(),
        keys.counter(),
        keys.ledgerHead(),
        keys.membershipVersion(),
        keys.membership());
  }

  private SignedMessage advertising(SiteId sender, Advertisement keys) {
    return federation.signed(sender, SignedMessage.Phase.ADVERTISE_KEYS, keys.encode());
  }

  @Test
  void anyChangedByteOfTheSharesIsRefused() {
    federation.runUntil(ServerSession.State.SHARING_KEYS);
    SignedMessage shares = federation.answer(site, SignedView.Kind.KEYS);
    byte[] body = shares.body().toByteArray();

    for (int i = 0; i < body.length; i += 5) {
      byte[] changed = body.clone();
      changed[i] ^= 1;
      assertThat(
              federation.send(
                  new SignedMessage(
                      shares.session(),
                      site,
                      shares.phase(),
                      Bytes.of(changed),
                      shares.signature())))
          .as("byte " + i)
          .isInstanceOf(ServerSession.Transition.Refused.class);
    }
    assertRefused(
        new SignedMessage(
            shares.session(),
            site,
            shares.phase(),
            Bytes.of(new byte[(1 << 20) + 1]),
            shares.signature()),
        "must be <=");
  }

  @Test
  void aHeaderWithAnotherH2OrAVectorWithAnotherRootIsRefused() {
    federation.runUntil(ServerSession.State.COLLECTING);
    SignedMessage header = federation.answer(site, SignedView.Kind.SHARES);
    Digest h2 = InputHeader.of(header).h2();
    Digest root = InputHeader.of(header).chunkRoot();
    Digest otherRoot = Digest.of(new byte[] {5});

    assertRefused(
        federation.signed(
            site,
            SignedMessage.Phase.MASKED_INPUT,
            h2,
            new InputHeader(Digest.of(new byte[0]), root).encode()),
        "another H2");
    assertThat(federation.send(new SessionEvent.MaskedInputStored(site, root)))
        .isInstanceOf(ServerSession.Transition.Refused.class);
    federation.send(header);
    assertThat(federation.send(new SessionEvent.MaskedInputStored(site, otherRoot)))
        .isInstanceOf(ServerSession.Transition.Refused.class);
    assertThat(federation.server.headerRoot(site)).contains(root);
    federation.sendMoved(new SessionEvent.MaskedInputStored(site, root));
  }

  @Test
  void aSecondCommitDoesNotCountAndAnAbortTakesTheFirstBack() {
    federation.runUntil(ServerSession.State.VOTING);
    SignedMessage commit = federation.answer(site, SignedView.Kind.HEADERS);
    federation.send(commit);

    assertThat(federation.send(commit)).isInstanceOf(ServerSession.Transition.Ignored.class);
    federation.sendMoved(
        new SessionEvent.MessageReceived(
            federation.signed(site, SignedMessage.Phase.VOTE, Ballot.ABORT.body())));
    assertThat(federation.send(commit)).isInstanceOf(ServerSession.Transition.Ignored.class);
    assertThat(((Voting) federation.server).commits()).isEmpty();
  }

  @Test
  void afterItsAnswerASiteCannotAbortAndAfterItsAbortItDoesNotAnswer() {
    federation.runUntil(ServerSession.State.VOTING);
    SiteSession aborter = federation.session(federation.sites.get(4));
    byte[] proposal =
        SignedView.of(
                SignedView.Kind.ABORT_PROPOSAL,
                aborter.id(),
                CborWriter.map().text("reason", "a lie"),
                federation.aggregator)
            .encode();
    SignedMessage abort = aborter.abort(proposal);
    federation.runUntil(ServerSession.State.UNMASKING);
    byte[] certificate = federation.view(federation.sites.get(4));
    SignedMessage answer = federation.answer(site, SignedView.Kind.CERTIFICATE);

    assertThat(aborter.abort(proposal)).isEqualTo(abort);
    assertRefusal(() -> aborter.unmask(certificate), SessionRefusal.Reason.OUT_OF_ORDER);
    assertRefusal(
        () -> federation.session(site).abort(proposal), SessionRefusal.Reason.OUT_OF_ORDER);
    assertThat(federation.session(site).unmask(federation.view(site))).isEqualTo(answer);
  }

  @Test
  void aBadResponderIsNamedByTheDealersCommitments() {
    federation.runUntil(ServerSession.State.UNMASKING);
    SignedMessage honest = federation.answer(site, SignedView.Kind.CERTIFICATE);
    Digest h3 = ((Unmasking) federation.server).headers().h3();
    UnmaskAnswer answer = UnmaskAnswer.of(honest);
    SortedMap<SiteId, Bytes> changed = answer.seedShares();
    byte[] share = Objects.requireNonNull(changed.get(other)).toByteArray();
    share[39] ^= 1;
    changed.put(other, Bytes.of(share));

    assertRefused(
        answering(h3, new UnmaskAnswer(changed, answer.keyShares())), "UNMASK of " + site);
    assertRefused(
        answering(h3, new UnmaskAnswer(answer.keyShares(), answer.seedShares())),
        "does not ask for");
    assertThat(federation.send(honest)).isInstanceOf(ServerSession.Transition.Moved.class);
  }

  private SignedMessage answering(Digest h3, UnmaskAnswer answer) {
    return federation.signed(site, SignedMessage.Phase.UNMASK, h3, answer.encode());
  }

  @Test
  void anInconsistentDealerBurnsTheSessionAndIsNamed() {
    SiteId dealer = federation.sites.get(3);
    byte[] seed = new byte[32];
    Arrays.fill(seed, (byte) 7);
    Secrets secrets = new Secrets(federation.server.descriptor().id(), seed);
    Advertisement keys = secrets.advertisement(3, 1, PrivacyBook.EMPTY, federation.membership);
    federation.send(
        advertising(
            dealer,
            new Advertisement(
                keys.maskKey(),
                keys.channelKey(),
                Digest.of(new byte[] {1}),
                keys.graphRandomness(),
                1,
                keys.ledgerHead(),
                keys.membershipVersion(),
                keys.membership())));
    runOthers(dealer, ServerSession.State.SHARING_KEYS);
    KeyList shown = ((SharingKeys) federation.server).keys();
    federation.send(
        federation.signed(
            dealer,
            SignedMessage.Phase.SHARE_KEYS,
            shown.h1(),
            ShareDeliveries.of(shown, dealer, secrets.deal(shown, dealer).deliveries())
                .encode(shown, dealer)));
    runOthers(dealer, ServerSession.State.COLLECTING);
    ShareList shares = ((Collecting) federation.server).dealing().shares();
    NoisedUpdate update = Objects.requireNonNull(federation.updates.get(dealer));
    MaskedUpdate input = update.mask(secrets.masks(shown, shown.places(), dealer));
    federation.send(
        federation.signed(
            dealer,
            SignedMessage.Phase.MASKED_INPUT,
            shares.h2(),
            new InputHeader(shares.h2(), input.chunkRoot()).encode()));
    federation.send(new SessionEvent.MaskedInputStored(dealer, input.chunkRoot()));
    runOthers(dealer, ServerSession.State.DONE);

    assertThat(federation.server.verdict().orElseThrow())
        .isInstanceOfSatisfying(
            ServerSession.Verdict.Burned.class,
            burned -> assertThat(burned.dealers()).containsExactly(dealer));
  }

  @Test
  void aDealerWhoseSharesDoNotOpenBurnsTheSessionOnceNobodyElseCanAnswer() {
    federation.runUntil(ServerSession.State.SHARING_KEYS);
    SignedMessage honest = federation.answer(site, SignedView.Kind.KEYS);
    KeyList keys = ((SharingKeys) federation.server).keys();
    List<Delivery> garbage = new ArrayList<>();
    for (Delivery delivery : ShareDeliveries.received(keys, honest).deliveries(keys, site)) {
      garbage.add(
          new Delivery(
              delivery.receiver(),
              Bytes.of(new byte[delivery.ciphertext().size()]),
              delivery.seedShare(),
              delivery.keyShare()));
    }
    federation.send(
        federation.signed(
            site,
            SignedMessage.Phase.SHARE_KEYS,
            keys.h1(),
            ShareDeliveries.of(keys, site, garbage).encode(keys, site)));

    runOthers(site, ServerSession.State.DONE);

    assertThat(federation.server.verdict().orElseThrow())
        .isInstanceOfSatisfying(
            ServerSession.Verdict.Burned.class,
            burned -> assertThat(burned.dealers()).containsExactly(site));
  }

  /// With T sites that dealt, one answer without shares makes every other dealer's secret unknown.
  @Test
  void aSiteThatLeavesSharesOutBurnsTheSessionAndNoHonestDealerIsSuspendedForIt() {
    SiteId absent = federation.sites.getLast();
    runOthers(absent, ServerSession.State.UNMASKING);
    SignedMessage answer = federation.answer(site, SignedView.Kind.CERTIFICATE);
    TreeMap<SiteId, Bytes> own = new TreeMap<>(UnmaskAnswer.of(answer).seedShares());
    own.keySet().retainAll(List.of(site));
    federation.send(
        federation.signed(
            site,
            SignedMessage.Phase.UNMASK,
            ((Unmasking) federation.server).headers().h3(),
            new UnmaskAnswer(own, new TreeMap<>()).encode()));

    runOthers(site, ServerSession.State.DONE);

    assertThat(federation.server.verdict().orElseThrow())
        .isInstanceOfSatisfying(
            ServerSession.Verdict.Burned.class,
            burned -> {
              assertThat(burned.dealers()).isEmpty();
              assertThat(burned.reason()).contains("the answers of " + site + " leave out shares");
            });
  }

  private void runOthers(SiteId bad, ServerSession.State state) {
    while (federation.server.state().compareTo(state) < 0) {
      Optional<ServerSession.Owed> next =
          federation.server.owed().stream().filter(owed -> !owed.site().equals(bad)).findFirst();
      if (next.isPresent()) {
        federation.deliver(next.get().site(), next.get().view());
      } else {
        federation.sendMoved(
            new SessionEvent.PhaseDeadlinePassed(federation.server.deadline().orElseThrow()));
      }
    }
  }

  @Test
  void aViewThatTheAggregatorDidNotSignIsRefused() {
    SignedView view = federation.server.viewFor(site, federation.key(other)).orElseThrow();

    assertRefusal(
        () ->
            SiteSession.open(
                federation.site(site),
                federation.plan,
                Objects.requireNonNull(federation.updates.get(site)),
                view.encode()),
        SessionRefusal.Reason.BAD_SIGNATURE);
    assertRefusal(
        () -> SignedView.decode(HexFormat.of().parseHex("a0")), SessionRefusal.Reason.MALFORMED);
  }

  @Test
  void aDescriptorBelowTheSitesFloorsOfAnotherEpochOrUnderAnExpiredMembershipIsRefused() {
    SiteSession.Site usual = federation.site(site);
    SiteSession.Site cautious =
        new SiteSession.Site(
            site,
            usual.key(),
            1,
            usual.membership(),
            usual.vault(),
            usual.book(),
            2,
            3,
            usual.clock(),
            usual.random());
    SiteSession.Site late =
        new SiteSession.Site(
            site,
            usual.key(),
            1,
            usual.membership(),
            usual.vault(),
            usual.book(),
            0,
            3,
            Clock.fixed(Federation.NOW.plusSeconds(3600), ZoneOffset.UTC),
            usual.random());
    SiteSession.Site ahead =
        new SiteSession.Site(
            site,
            usual.key(),
            2,
            usual.membership(),
            usual.vault(),
            usual.book(),
            0,
            3,
            usual.clock(),
            usual.random());

    assertRefusal(() -> open(ahead), SessionRefusal.Reason.MISMATCH);
    assertRefusal(() -> open(cautious), SessionRefusal.Reason.QUORUM);
    assertRefusal(() -> open(late), SessionRefusal.Reason.NOT_A_MEMBER);
    assertThat(open(usual).id()).isEqualTo(federation.server.descriptor().id());
  }

  private SiteSession open(SiteSession.Site as) {
    return SiteSession.open(
        as,
        federation.plan,
        Objects.requireNonNull(federation.updates.get(site)),
        federation.view(site));
  }

  @Test
  void aCounterThatDidNotGrowIsRefused() {
    federation.runUntil(ServerSession.State.SHARING_KEYS);
    federation.vault(site).sawCounters(Map.of(other, 1L));

    assertRefusal(
        () -> federation.answer(site, SignedView.Kind.KEYS),
        SessionRefusal.Reason.REPLAYED_COUNTER);
  }

  @Test
  void theDescriptorRoundTripsAndAChangedOneIsAnotherSession() {
    SessionDescriptor descriptor = federation.server.descriptor();
    SessionDescriptor further =
        federation.descriptor(
            federation.sites,
            Optional.of(new SessionDescriptor.Previous.NoMaskedInput(descriptor.id())));

    assertThat(SessionDescriptor.decode(descriptor.encode())).isEqualTo(descriptor);
    assertThat(SessionDescriptor.decode(further.encode())).isEqualTo(further);
    assertThat(further.id()).isNotEqualTo(descriptor.id());
    assertThatThrownBy(
            () -> federation.descriptor(federation.sites.subList(0, 3), Optional.empty()))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
