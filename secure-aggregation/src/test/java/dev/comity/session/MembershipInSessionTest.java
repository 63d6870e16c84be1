package dev.comity.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.comity.membership.MembershipEpoch;
import dev.comity.membership.MessageKey;
import dev.comity.membership.MessagePublicKey;
import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import dev.comity.plan.Suite;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

/// What the sites of a session know of the membership, and what they do when it changes meanwhile.
class MembershipInSessionTest {
  private final Federation federation = new Federation(5, 1);
  private final SiteId site = federation.sites.getFirst();
  private final SiteId other = federation.sites.get(3);

  private MembershipEpoch second(UnaryOperator<List<MembershipEpoch.Member>> members) {
    MembershipEpoch first = federation.membership;
    return new MembershipEpoch(
        first.federation(),
        2,
        Federation.NOW,
        first.expiresAt(),
        first.aggregator(),
        members.apply(first.members()),
        List.of(),
        first.nCFloor(),
        first.allowedArchitectures(),
        Optional.of(first.digest()));
  }

  private MembershipEpoch without(SiteId gone) {
    return second(
        members -> members.stream().filter(member -> !member.site().equals(gone)).toList());
  }

  @Test
  void theAdvertisementTellsVersionAndDigestOfTheNewestMembershipSeen() {
    Advertisement sent =
        Advertisement.of(
            federation.answer(site, SignedView.Kind.DESCRIPTOR), Suite.Agreement.X25519);

    assertThat(sent.membershipVersion()).isEqualTo(1);
    assertThat(sent.membership()).isEqualTo(federation.membership.digest());
  }

  @Test
  void aMembershipThatIsLearnedBeforeAdvertisingIsTheOneThatIsTold() {
    federation.answer(site, SignedView.Kind.DESCRIPTOR);
    SiteSession late =
        SiteSession.open(
            federation.site(other),
            federation.plan,
            Objects.requireNonNull(federation.updates.get(other)),
            federation.view(other));
    MembershipEpoch newer = second(UnaryOperator.identity());
    late.learn(newer);

    Advertisement sent = Advertisement.of(late.advertise(), Suite.Agreement.X25519);

    assertThat(sent.membershipVersion()).isEqualTo(2);
    assertThat(sent.membership()).isEqualTo(newer.digest());
  }

  /// The keys as the aggregator would show them, with other memberships in one advertisement.
  private byte[] keysWith(long version, Digest membership) {
    KeyList keys = ((SharingKeys) federation.server).keys();
    List<SignedMessage> messages = new ArrayList<>();
    keys.messages()
        .forEach((sender, message) ->
            messages.add(
                sender.equals(other)
                    ? advertising(keys.of(sender), version, membership)
                    : message));
    return SignedView.of(
            SignedView.Kind.KEYS,
            federation.server.descriptor().id(),
            KeyList.of(keys.roster(), messages).toCbor(),
            federation.aggregator)
        .encode();
  }

  private SignedMessage advertising(Advertisement sent, long version, Digest membership) {
    return federation.signed(
        other,
        SignedMessage.Phase.ADVERTISE_KEYS,
        new Advertisement(
                sent.maskKey(),
                sent.channelKey(),
                sent.seedCommitment(),
                sent.graphRandomness(),
                sent.counter(),
                sent.ledgerHead(),
                version,
                membership)
            .encode());
  }

  @Test
  void aNewerMembershipThatAnotherSiteHasSeenIsRefusedAndBothAreNamed() {
    federation.runUntil(ServerSession.State.SHARING_KEYS);
    Digest hidden = without(federation.sites.get(4)).digest();
    byte[] view = keysWith(2, hidden);

    assertRefused(
        () -> federation.session(site).share(view),
        SessionRefusal.Reason.OTHER_MEMBERSHIP,
        other.value(),
        "version 2",
        hidden.abbreviated(),
        "version 1",
        federation.membership.digest().abbreviated());
    assertThat(
            federation.vault(site).kept(federation.session(site).id(), SiteVault.Item.KEYS_SHOWN))
        .isEmpty();
  }

  @Test
  void twoListsUnderOneVersionAreRefused() {
    federation.runUntil(ServerSession.State.SHARING_KEYS);
    byte[] view = keysWith(1, Digest.of(new byte[] {7}));

    assertRefused(
        () -> federation.session(site).share(view),
        SessionRefusal.Reason.OTHER_MEMBERSHIP,
        other.value());
  }

  @Test
  void aSiteThatAlreadyHasTheNewerListAcceptsPeersWithEither() {
    federation.runUntil(ServerSession.State.SHARING_KEYS);
    MembershipEpoch newer = second(UnaryOperator.identity());
    byte[] view = keysWith(2, newer.digest());
    federation.session(site).learn(newer);

    assertThat(federation.session(site).share(view).phase())
        .isEqualTo(SignedMessage.Phase.SHARE_KEYS);
  }

  @Test
  void theAggregatorKeepsASiteWithAnotherListOutOfTheSession() {
    Advertisement sent =
        Advertisement.of(
            federation.answer(other, SignedView.Kind.DESCRIPTOR), Suite.Agreement.X25519);

    ServerSession.Transition transition =
        federation.send(advertising(sent, 2, Digest.of(new byte[] {7})));

    assertThat(transition)
        .isInstanceOfSatisfying(
            ServerSession.Transition.Refused.class,
            refused ->
                assertThat(refused.code()).isEqualTo(SessionRefusal.Reason.OTHER_MEMBERSHIP));
  }

  @Test
  void beforeItsMaskedInputASiteThatLearnsOfARevocationLeaves() {
    for (SignedView.Kind step :
        List.of(SignedView.Kind.DESCRIPTOR, SignedView.Kind.KEYS, SignedView.Kind.SHARES)) {
      Federation each = new Federation(5, 1);
      SiteSession session =
          SiteSession.open(
              each.site(site),
              each.plan,
              Objects.requireNonNull(each.updates.get(site)),
              each.view(site));
      each.sessions.put(site, session);
      if (step != SignedView.Kind.DESCRIPTOR) {
        each.runUntil(
            step == SignedView.Kind.KEYS
                ? ServerSession.State.SHARING_KEYS
                : ServerSession.State.COLLECTING);
        session = each.session(site);
      }
      session.learn(without(other, each));
      SiteSession left = session;
      byte[] view = each.view(site);

      assertRefused(
          () -> {
            switch (step) {
              case DESCRIPTOR -> left.advertise();
              case KEYS -> left.share(view);
              case SHARES -> left.mask(view);
              case HEADERS, RELEASE, CERTIFICATE, ABORT_PROPOSAL -> throw new AssertionError(step);
            }
          },
          SessionRefusal.Reason.NOT_A_MEMBER,
          "version 2",
          other.value());
      assertThat(each.standing(site)).isEqualTo(Standing.FREE);
      assertThat(each.vault(site).kept(left.id(), SiteVault.Item.TOMBSTONE)).isPresent();
    }
  }

  private static MembershipEpoch without(SiteId gone, Federation federation) {
    MembershipEpoch first = federation.membership;
    return new MembershipEpoch(
        first.federation(),
        2,
        Federation.NOW,
        first.expiresAt(),
        first.aggregator(),
        first.members().stream().filter(member -> !member.site().equals(gone)).toList(),
        List.of(),
        first.nCFloor(),
        first.allowedArchitectures(),
        Optional.of(first.digest()));
  }

  @Test
  void afterItsMaskedInputASiteThatLearnsOfARevocationWithholdsItsVoteAndMayAbort() {
    federation.runUntil(ServerSession.State.VOTING);
    federation.sites.forEach(each -> federation.session(each).learn(without(other)));
    byte[] headers = federation.view(site);

    assertRefused(
        () -> federation.session(site).vote(headers),
        SessionRefusal.Reason.NOT_A_MEMBER,
        other.value());
    assertThat(federation.standing(site)).isEqualTo(Standing.IN_DOUBT);

    federation.sendMoved(new SessionEvent.MemberRevoked(other));
    federation.run((_, _) -> true);
    assertThat(federation.server.state()).isEqualTo(ServerSession.State.ABORTED);
    assertThat(federation.server.certificate()).isPresent();
  }

  @Test
  void thoseThatLeftOverARevocationAndThoseThatSentBeforeAbortTheSessionTogether() {
    federation.runUntil(ServerSession.State.COLLECTING);
    federation.deliver(site, SignedView.Kind.SHARES);
    SiteId leaving = federation.sites.get(1);
    byte[] shares = federation.view(leaving);
    federation.sites.forEach(each -> federation.session(each).learn(without(other)));
    assertRefused(
        () -> federation.session(leaving).mask(shares), SessionRefusal.Reason.NOT_A_MEMBER);

    federation.sendMoved(new SessionEvent.MemberRevoked(other));
    federation.run((each, _) -> !each.equals(other));

    assertFreedByAbort(site);
    assertFreedByAbort(leaving);
  }

  @Test
  void aSiteThatCommittedBeforeItLearnedOfARevocationAbortsAllTheSame() {
    federation.runUntil(ServerSession.State.VOTING);
    federation.deliver(site, SignedView.Kind.HEADERS);
    federation.sites.forEach(each -> federation.session(each).learn(without(other)));

    federation.sendMoved(new SessionEvent.MemberRevoked(other));
    federation.run((each, _) -> !each.equals(other));

    assertFreedByAbort(site);
  }

  private void assertFreedByAbort(SiteId voter) {
    assertThat(federation.server.state()).isEqualTo(ServerSession.State.ABORTED);
    assertThat(
            Standing.settle(
                federation.vault(voter),
                federation.site(voter).book(),
                federation.server.descriptor().id(),
                federation.server.certificate().orElseThrow().encode()))
        .isEqualTo(Standing.FREE);
  }

  @Test
  void aCertifiedSessionGoesOnToItsSumAlsoWhenASeatIsRevokedAfterwards() {
    federation.runUntil(ServerSession.State.UNMASKING);
    federation.sites.forEach(each -> federation.session(each).learn(without(other)));

    assertThat(federation.send(new SessionEvent.MemberRevoked(other)))
        .isInstanceOf(ServerSession.Transition.Ignored.class);
    federation.run((_, _) -> true);

    assertThat(federation.maskedSum().encode())
        .isEqualTo(federation.plainSum(federation.sites).encode());
  }

  @Test
  void aSeatWhoseKeyWasReplacedCountsAsRevokedAndANewMemberDoesNotDisturb() {
    MessagePublicKey replaced = MessageKey.generate().publicKey();
    federation.runUntil(ServerSession.State.COLLECTING);
    byte[] view = federation.view(site);
    federation
        .session(site)
        .learn(
            second(members -> {
              List<MembershipEpoch.Member> more = new ArrayList<>(members);
              more.add(new MembershipEpoch.Member(new SiteId("new"), replaced));
              return more;
            }));
    assertThat(federation.session(site).mask(view).header()).isNotNull();

    SiteId another = federation.sites.get(1);
    byte[] itsView = federation.view(another);
    federation
        .session(another)
        .learn(
            second(members ->
                members.stream()
                    .map(member ->
                        member.site().equals(other)
                            ? new MembershipEpoch.Member(other, replaced)
                            : member)
                    .toList()));
    assertRefused(
        () -> federation.session(another).mask(itsView), SessionRefusal.Reason.NOT_A_MEMBER);
  }

  @Test
  void anOlderMembershipIsNotTaken() {
    federation.runUntil(ServerSession.State.COLLECTING);
    federation.session(site).learn(second(UnaryOperator.identity()));
    byte[] view = federation.view(site);

    federation.session(site).learn(federation.membership);
    federation.session(site).mask(view);

    federation.session(federation.sites.get(1)).learn(without(other));
    federation.session(federation.sites.get(1)).learn(federation.membership);
    byte[] itsView = federation.view(federation.sites.get(1));
    assertRefused(
        () -> federation.session(federation.sites.get(1)).mask(itsView),
        SessionRefusal.Reason.NOT_A_MEMBER);
  }

  private static void assertRefused(Runnable step, SessionRefusal.Reason reason, String... said) {
    assertThatThrownBy(step::run)
        .isInstanceOfSatisfying(
            SessionRefusal.class,
            refusal -> {
              assertThat(refusal.reason()).isEqualTo(reason);
              for (String part : said) {
                assertThat(refusal.getMessage()).contains(part);
              }
            });
  }
}
