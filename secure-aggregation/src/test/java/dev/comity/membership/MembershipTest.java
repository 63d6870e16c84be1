package dev.comity.membership;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.comity.codec.Bytes;
import dev.comity.codec.MalformedException;
import dev.comity.membership.MembershipEpoch.Member;
import dev.comity.membership.MembershipEpoch.Revocation;
import dev.comity.plan.Architecture;
import dev.comity.plan.Digest;
import dev.comity.plan.FederationId;
import dev.comity.plan.SiteId;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class MembershipTest {
  private static final FederationId DEMO = new FederationId("demo");
  private static final Instant NOW = Instant.parse("2026-03-01T00:00:00Z");
  private static final MessageKey CONSORTIUM = MessageKey.generate();
  private static final MessagePublicKey AGGREGATOR = MessageKey.generate().publicKey();
  private static final Member NORTH = member("north");
  private static final Member SOUTH = member("south");

  @Test
  void anEpochSurvivesItsSignature() {
    MembershipEpoch epoch = epoch(1, Optional.empty(), NORTH, SOUTH);

    SignedMembership signed = SignedMembership.sign(epoch, CONSORTIUM);

    assertThat(signed.verify(CONSORTIUM.publicKey())).isEqualTo(epoch);
    assertThat(epoch.keyOf(new SiteId("north"))).contains(NORTH.key());
    assertThat(epoch.keyOf(new SiteId("west"))).isEmpty();
    assertThat(epoch.expired(NOW)).isFalse();
    assertThat(epoch.expired(NOW.plusSeconds(3600))).isTrue();
  }

  @Test
  void nobodyButTheConsortiumCanSignOrChangeIt() {
    MembershipEpoch epoch = epoch(1, Optional.empty(), NORTH);
    SignedMembership signed = SignedMembership.sign(epoch, CONSORTIUM);
    byte[] changed = signed.document().toByteArray();
    changed[changed.length - 1] ^= 1;

    assertThatThrownBy(() ->
            SignedMembership.sign(epoch, MessageKey.generate()).verify(CONSORTIUM.publicKey()))
        .isInstanceOf(RefusedSignatureException.class)
        .hasMessageContaining("not signed by the consortium key");
    assertThatThrownBy(() ->
            new SignedMembership(Bytes.of(changed), signed.signature())
                .verify(CONSORTIUM.publicKey()))
        .isInstanceOf(RefusedSignatureException.class);
  }

  @Test
  void aSignedDocumentThatIsNoMembershipIsMalformed() {
    Bytes document = Bytes.of(new byte[] {(byte) 0xa0});
    Bytes signature = Bytes.of(CONSORTIUM.sign(SignatureLabel.MEMBERSHIP, document.toByteArray()));

    assertThatThrownBy(
            () -> new SignedMembership(document, signature).verify(CONSORTIUM.publicKey()))
        .isInstanceOf(MalformedException.class)
        .hasMessage("missing field \"format\" in MembershipEpoch");
  }

  @Test
  void versionsFollowEachOther() {
    SignedMembership first = SignedMembership.sign(epoch(1, Optional.empty(), NORTH), CONSORTIUM);
    SignedMembership second =
        SignedMembership.sign(epoch(2, Optional.of(first.digest()), NORTH, SOUTH), CONSORTIUM);
    SignedMembership third =
        SignedMembership.sign(epoch(3, Optional.of(second.digest()), NORTH, SOUTH), CONSORTIUM);
    SignedMembership fork =
        SignedMembership.sign(epoch(3, Optional.of(first.digest()), NORTH, SOUTH), CONSORTIUM);
    MessagePublicKey key = CONSORTIUM.publicKey();

    assertThat(first.verifyAfter(Optional.empty(), key).version()).isEqualTo(1);
    assertThat(second.verifyAfter(Optional.of(first), key).version()).isEqualTo(2);
    assertThat(third.verifyAfter(Optional.of(second), key).version()).isEqualTo(3);
    assertThatThrownBy(() -> first.verifyAfter(Optional.of(second), key))
        .isInstanceOf(RefusedSignatureException.class)
        .hasMessageContaining("membership version 1: must be 3");
    assertThatThrownBy(() -> third.verifyAfter(Optional.of(first), key))
        .hasMessageContaining("membership version 3: must be 2");
    assertThatThrownBy(() -> fork.verifyAfter(Optional.of(second), key))
        .hasMessageContaining("does not name version 2 as the one before");
  }

  @Test
  void refusesListsThatContradictThemselves() {
    Member impostor = new Member(new SiteId("west"), NORTH.key());
    Member posing = new Member(new SiteId("west"), AGGREGATOR);

    assertThatThrownBy(() -> epoch(1, Optional.empty(), NORTH, member("north")))
        .hasMessageContaining("site north is listed twice");
    assertThatThrownBy(() -> epoch(1, Optional.empty(), NORTH, impostor))
        .hasMessageContaining("message key of another member or of the aggregator");
    assertThatThrownBy(() -> epoch(1, Optional.empty(), posing))
        .hasMessageContaining("message key of another member or of the aggregator");
    assertThatThrownBy(() -> epoch(2, Optional.empty(), NORTH))
        .hasMessageContaining("membership version 2");
    assertThatThrownBy(() -> epoch(0, Optional.empty(), NORTH))
        .hasMessageContaining("membership version 0: must be >= 1");
    assertThatThrownBy(() ->
            new MembershipEpoch(
                new FederationId("demo"),
                1,
                NOW,
                NOW.plusSeconds(1),
                AGGREGATOR,
                List.of(NORTH),
                List.of(revocation(NORTH)),
                1,
                List.of(),
                Optional.empty()))
        .hasMessageContaining("site north is listed with the revoked key");
  }

  @Test
  void allowsTheArchitecturesThatThePatternsName() {
    MembershipEpoch epoch = epoch(1, Optional.empty(), NORTH);

    assertThat(epoch.allows(Architecture.parse("logistic-regression(13,1)"))).isTrue();
    assertThat(epoch.allows(Architecture.parse("mlp(60,32,10)"))).isTrue();
    assertThat(epoch.allows(Architecture.parse("mlp(60,33,10)"))).isFalse();
    assertThatThrownBy(() -> new ArchitecturePattern("cnn"))
        .hasMessageContaining("architecture \"cnn\"");
  }

  @Test
  void aRevocationIsNeverDroppedAndARevokedKeyNeverReturns() {
    MembershipEpoch first = epoch(1, Optional.empty(), NORTH, SOUTH);
    MembershipEpoch revoking = revoking(2, first, List.of(revocation(SOUTH)), NORTH);
    MembershipEpoch silent = revoking(2, first, List.of(), NORTH);
    MembershipEpoch forgetful = revoking(3, revoking, List.of(), NORTH);
    MembershipEpoch returning = revoking(3, revoking, List.of(), NORTH, SOUTH);
    MembershipEpoch later = revoking(7, revoking, List.of(revocation(SOUTH)), NORTH);

    revoking.requireAfter(first);
    later.requireAfter(first);
    assertThat(revoking.revocation(SOUTH.key().fingerprint()).orElseThrow().reason())
        .isEqualTo("left");
    assertThatThrownBy(() -> silent.requireAfter(first))
        .isInstanceOf(RefusedSignatureException.class)
        .hasMessageContaining("leaves out the key of site south without revoking it");
    assertThatThrownBy(() -> forgetful.requireAfter(revoking))
        .hasMessageContaining("drops the revocation of key")
        .hasMessageContaining("of site south");
    assertThatThrownBy(() -> returning.requireAfter(revoking))
        .hasMessageContaining("drops the revocation of key");
    assertThatThrownBy(() -> revoking(3, revoking, List.of(revocation(SOUTH)), NORTH, SOUTH))
        .hasMessageContaining("site south is listed with the revoked key")
        .hasMessageContaining("make a new key and have it admitted");
    assertThatThrownBy(() -> first.requireAfter(revoking))
        .hasMessageContaining("version 1: must be above 2");
  }

  @Test
  void theAggregatorsKeyIsReplacedOnlyWhenTheFormerIsRevoked() {
    MembershipEpoch first = epoch(1, Optional.empty(), NORTH);
    MessagePublicKey next = MessageKey.generate().publicKey();
    Revocation former =
        new Revocation(Optional.empty(), AGGREGATOR.fingerprint(), NOW, "key rotated");

    withAggregator(first, next, List.of(former)).requireAfter(first);

    assertThatThrownBy(() -> withAggregator(first, next, List.of()).requireAfter(first))
        .hasMessageContaining("changes the aggregator's key without revoking the former");
    assertThatThrownBy(() -> withAggregator(first, AGGREGATOR, List.of(former)))
        .hasMessageContaining("the aggregator is listed with the revoked key");
  }

  @Test
  void theConsortiumsKeyIsFollowedFromAnyOfItsHoldersOnAndNeverBack() {
    MessageKey second = MessageKey.generate();
    MessageKey third = MessageKey.generate();
    MembershipEpoch one = epoch(1, Optional.empty(), NORTH);
    MembershipEpoch two = handingOver(2, one, handOver(2, CONSORTIUM, second));
    MembershipEpoch three = handingOver(3, two, handOver(2, CONSORTIUM, second));
    MembershipEpoch four =
        handingOver(4, three, handOver(2, CONSORTIUM, second), handOver(4, second, third));
    MembershipEpoch five =
        handingOver(5, four, handOver(2, CONSORTIUM, second), handOver(4, second, third));
    MessagePublicKey root = CONSORTIUM.publicKey();

    assertThat(SignedMembership.sign(two, CONSORTIUM).verify(root)).isEqualTo(two);
    assertThat(two.consortium(root)).isEqualTo(second.publicKey());
    assertThat(SignedMembership.sign(three, second).verify(root)).isEqualTo(three);
    assertThat(SignedMembership.sign(four, second).verify(root)).isEqualTo(four);
    assertThat(SignedMembership.sign(five, third).verify(root)).isEqualTo(five);
    assertThat(SignedMembership.sign(five, third).verify(second.publicKey())).isEqualTo(five);
    assertThat(SignedMembership.sign(five, third).verify(third.publicKey())).isEqualTo(five);

    assertThatThrownBy(() -> SignedMembership.sign(three, CONSORTIUM).verify(root))
        .isInstanceOf(RefusedSignatureException.class)
        .hasMessageContaining("had handed over to " + second.publicKey());
    assertThatThrownBy(() -> SignedMembership.sign(three, CONSORTIUM).verify(second.publicKey()))
        .hasMessageContaining("not signed by the consortium key");
    assertThatThrownBy(() -> SignedMembership.sign(five, second).verify(root))
        .hasMessageContaining("not signed by the consortium key");
    assertThatThrownBy(() -> SignedMembership.sign(two, second).verify(root))
        .hasMessageContaining("not signed by the consortium key");
  }

  @Test
  void aThiefOfAFormerConsortiumKeyIsRefusedByWhoeverSawTheHandOver() {
    MessageKey second = MessageKey.generate();
    MessageKey thiefs = MessageKey.generate();
    MembershipEpoch one = epoch(1, Optional.empty(), NORTH);
    MembershipEpoch two = handingOver(2, one, handOver(2, CONSORTIUM, second));
    MembershipEpoch silent = handingOver(3, two);
    MembershipEpoch other = handingOver(3, two, handOver(3, CONSORTIUM, thiefs));

    assertThatThrownBy(() -> silent.requireAfter(two))
        .isInstanceOf(RefusedSignatureException.class)
        .hasMessageContaining("tells other hand-overs of the consortium's key than version 2");
    assertThatThrownBy(() -> other.requireAfter(two)).hasMessageContaining("may hold a former key");
    assertThatThrownBy(() ->
            handingOver(
                4, silent, handOver(2, CONSORTIUM, second), handOver(3, CONSORTIUM, thiefs)))
        .hasMessageContaining("is not by the key that was handed to before");
    assertThatThrownBy(() ->
            handingOver(
                4, silent, handOver(2, CONSORTIUM, second), handOver(3, second, CONSORTIUM)))
        .hasMessageContaining("goes back to the former key");
    assertThatThrownBy(() -> handingOver(3, two, handOver(4, CONSORTIUM, second)))
        .hasMessageContaining("a hand-over in version 4");
  }

  @Test
  void aKeyStatementNeedsBothSignaturesAndSurvivesItsToken() {
    MessageKey from = MessageKey.generate();
    MessageKey to = MessageKey.generate();
    KeySuccession statement = KeySuccession.sign(DEMO, Optional.of(new SiteId("north")), from, to);

    assertThat(KeySuccession.parse(" " + statement.token() + "\n")).isEqualTo(statement);
    assertThatThrownBy(() ->
            new KeySuccession(
                DEMO,
                statement.site(),
                from.publicKey(),
                to.publicKey(),
                statement.signature(),
                statement.signature()))
        .isInstanceOf(RefusedSignatureException.class)
        .hasMessageContaining("is not signed by it");
    assertThatThrownBy(() ->
            new KeySuccession(
                DEMO,
                Optional.of(new SiteId("south")),
                from.publicKey(),
                to.publicKey(),
                statement.signature(),
                statement.acceptance()))
        .isInstanceOf(RefusedSignatureException.class);
    assertThatThrownBy(() -> KeySuccession.sign(DEMO, Optional.empty(), from, from))
        .hasMessageContaining("cannot follow itself");
    assertThatThrownBy(() -> KeySuccession.parse("comity1.a.b"))
        .isInstanceOf(MalformedException.class)
        .hasMessageContaining("not a key statement");
    assertThatThrownBy(() -> new MembershipEpoch.HandOver(2, statement))
        .hasMessageContaining("with a statement of site north");
  }

  @Test
  void anImprintLayerIsRefusedUnlessTheConsortiumNamesExactlyThatArchitecture() {
    MembershipEpoch family = allowing("mlp");
    MembershipEpoch named = allowing("mlp", "mlp(13,4096,1)");

    assertThat(family.allows(Architecture.parse("mlp(13,128,1)"))).isTrue();
    assertThat(family.allows(Architecture.parse("mlp(784,200,200,10)"))).isTrue();
    assertThat(family.objection(Architecture.parse("mlp(13,129,1)")).orElseThrow())
        .contains("hidden layer 1 has 129 units over 13 inputs, more than the 128")
        .contains("by its full name");
    assertThat(family.objection(Architecture.parse("mlp(784,128,4096,10)")).orElseThrow())
        .contains("hidden layer 2 has 4096 units over 784 inputs, more than the 1024");
    assertThat(family.allows(Architecture.parse("mlp(13,13,4096,1)"))).isFalse();
    assertThat(named.allows(Architecture.parse("mlp(13,4096,1)"))).isTrue();
    assertThat(named.allows(Architecture.parse("mlp(13,4097,1)"))).isFalse();
    assertThat(named.objection(Architecture.parse("logistic-regression(13,1)")).orElseThrow())
        .contains("is not among the architectures that the consortium allows");
  }

  private static MembershipEpoch allowing(String... patterns) {
    return new MembershipEpoch(
        DEMO,
        1,
        NOW,
        NOW.plusSeconds(3600),
        AGGREGATOR,
        List.of(NORTH),
        List.of(),
        1,
        Stream.of(patterns).map(ArchitecturePattern::new).toList(),
        Optional.empty());
  }

  private static Revocation revocation(Member member) {
    return new Revocation(Optional.of(member.site()), member.key().fingerprint(), NOW, "left");
  }

  private static MembershipEpoch revoking(
      long version, MembershipEpoch before, List<Revocation> revocations, Member... members) {
    return new MembershipEpoch(
        DEMO,
        version,
        NOW,
        NOW.plusSeconds(3600),
        AGGREGATOR,
        List.of(members),
        revocations,
        1,
        before.allowedArchitectures(),
        Optional.of(before.digest()));
  }

  private static MembershipEpoch withAggregator(
      MembershipEpoch before, MessagePublicKey aggregator, List<Revocation> revocations) {
    return new MembershipEpoch(
        DEMO,
        2,
        NOW,
        NOW.plusSeconds(3600),
        aggregator,
        before.members(),
        revocations,
        1,
        before.allowedArchitectures(),
        Optional.of(before.digest()));
  }

  private static MembershipEpoch.HandOver handOver(long version, MessageKey from, MessageKey to) {
    return new MembershipEpoch.HandOver(
        version, KeySuccession.sign(DEMO, Optional.empty(), from, to));
  }

  private static MembershipEpoch handingOver(
      long version, MembershipEpoch before, MembershipEpoch.HandOver... handOvers) {
    return new MembershipEpoch(
        DEMO,
        version,
        NOW,
        NOW.plusSeconds(3600),
        AGGREGATOR,
        before.members(),
        before.revocations(),
        1,
        before.allowedArchitectures(),
        Optional.of(before.digest()),
        List.of(handOvers));
  }

  private static MembershipEpoch epoch(long version, Optional<Digest> previous, Member... members) {
    return new MembershipEpoch(
        new FederationId("demo"),
        version,
        NOW,
        NOW.plusSeconds(3600),
        AGGREGATOR,
        List.of(members),
        List.of(),
        1,
        List.of(
            new ArchitecturePattern("mlp(60,32,10)"),
            new ArchitecturePattern("logistic-regression")),
        previous);
  }

  private static Member member(String site) {
    return new Member(new SiteId(site), MessageKey.generate().publicKey());
  }
}
