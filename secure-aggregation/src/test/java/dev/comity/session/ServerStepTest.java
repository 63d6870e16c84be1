package dev.comity.session;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comity.codec.Bytes;
import dev.comity.plan.SiteId;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Sessions in which somebody goes away or deals badly at one moment, and what the aggregator makes
/// of it.
class ServerStepTest {
  private static final GraphRule SMALL_RINGS = new GraphRule(7, 120, 20, 200);

  private static Federation federation(boolean ring) {
    return ring ? new Federation(12, 1, SMALL_RINGS) : new Federation(5, 1);
  }

  private static void assertSummed(Federation federation, List<SiteId> survivors) {
    assertThat(federation.server.verdict().orElseThrow())
        .isEqualTo(new ServerSession.Verdict.Summed(survivors));
    assertThat(federation.server.certificate()).isPresent();
    assertThat(federation.maskedSum().encode()).isEqualTo(federation.plainSum(survivors).encode());
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aSiteThatDealtSharesAndSentNoVectorLeavesTheOthersTheirSum(boolean ring) {
    Federation federation = federation(ring);
    SiteId gone = federation.sites.get(2);

    federation.run(
        (site, kind) -> !site.equals(gone) || kind.compareTo(SignedView.Kind.SHARES) < 0);

    assertSummed(federation, federation.sites.stream().filter(site -> !site.equals(gone)).toList());
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aSiteThatSentItsVectorAndWentAwayStaysInTheSum(boolean ring) {
    Federation federation = federation(ring);
    SiteId gone = federation.sites.get(2);

    federation.run(
        (site, kind) -> !site.equals(gone) || kind.compareTo(SignedView.Kind.HEADERS) < 0);

    assertSummed(federation, federation.sites);
  }

  /// Nor when the dealer goes away and exactly T sites hold shares of its key that open.
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void oneShareThatDoesNotOpenCostsNothing(boolean ring) {
    Federation federation = ring ? federation(true) : new Federation(6, 1);
    SiteId dealer = federation.sites.getFirst();
    federation.runUntil(ServerSession.State.SHARING_KEYS);
    SignedMessage honest = federation.answer(dealer, SignedView.Kind.KEYS);
    KeyList keys = ((SharingKeys) federation.server).keys();
    List<Delivery> dealt =
        new ArrayList<>(ShareDeliveries.received(keys, honest).deliveries(keys, dealer));
    Delivery last = dealt.removeLast();
    dealt.add(
        new Delivery(
            last.receiver(),
            Bytes.of(new byte[last.ciphertext().size()]),
            last.seedShare(),
            last.keyShare()));
    federation.sendMoved(
        new SessionEvent.MessageReceived(
            federation.signed(
                dealer,
                SignedMessage.Phase.SHARE_KEYS,
                keys.h1(),
                ShareDeliveries.of(keys, dealer, dealt).encode(keys, dealer))));

    // The dealer's own vault knows another message of P2, so it goes no further.
    federation.run((site, _) -> !site.equals(dealer));

    assertSummed(
        federation, federation.sites.stream().filter(site -> !site.equals(dealer)).toList());
  }

  @Test
  void whoDealtNoSharesHasNeitherVoteNorAnswer() {
    Federation federation = new Federation(5, 1);
    SiteId late = federation.sites.getLast();
    federation.run((site, kind) ->
        (!site.equals(late) || kind == SignedView.Kind.DESCRIPTOR)
            && kind.compareTo(SignedView.Kind.HEADERS) < 0);
    assertThat(federation.server.state()).isEqualTo(ServerSession.State.VOTING);
    Voting voting = (Voting) federation.server;

    assertNoDealer(
        federation,
        federation.signed(
            late, SignedMessage.Phase.VOTE, voting.headers().h3(), Ballot.COMMIT.body()));
    assertNoDealer(
        federation, federation.signed(late, SignedMessage.Phase.VOTE, Ballot.ABORT.body()));
    federation.runUntil(ServerSession.State.UNMASKING);
    assertNoDealer(
        federation,
        federation.signed(
            late,
            SignedMessage.Phase.UNMASK,
            voting.headers().h3(),
            new UnmaskAnswer(new TreeMap<>(), new TreeMap<>()).encode()));
    assertThat(federation.server.certificate()).isPresent();
  }

  @ParameterizedTest
  @EnumSource(
      value = ServerSession.State.class,
      names = {"VOTING", "ABORTING"})
  void anAbortThatItsSiteDidNotSignIsRefused(ServerSession.State state) {
    Federation federation = new Federation(5, 1);
    federation.runUntil(ServerSession.State.VOTING);
    if (state == ServerSession.State.ABORTING) {
      federation.sendMoved(new SessionEvent.Cancelled("not wanted"));
    }
    SignedMessage theirs =
        federation.signed(federation.sites.get(1), SignedMessage.Phase.VOTE, Ballot.ABORT.body());
    ServerSession before = federation.server;

    assertThat(
            federation.send(
                new SignedMessage(
                    theirs.session(),
                    federation.sites.getFirst(),
                    theirs.phase(),
                    theirs.body(),
                    theirs.signature())))
        .isInstanceOfSatisfying(
            ServerSession.Transition.Refused.class,
            refused -> assertThat(refused.code()).isEqualTo(SessionRefusal.Reason.BAD_SIGNATURE));
    assertThat(federation.server).isSameAs(before);
    federation.sendMoved(new SessionEvent.MessageReceived(theirs));
  }

  private static void assertNoDealer(Federation federation, SignedMessage message) {
    ServerSession before = federation.server;
    assertThat(federation.send(message))
        .isInstanceOfSatisfying(
            ServerSession.Transition.Refused.class,
            refused -> {
              assertThat(refused.code()).isEqualTo(SessionRefusal.Reason.OUT_OF_ORDER);
              assertThat(refused.reason()).contains("dealt no shares");
            });
    assertThat(federation.server).isSameAs(before);
  }
}
