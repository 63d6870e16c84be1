package dev.comity.membership;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.comity.codec.Bytes;
import dev.comity.codec.MalformedException;
import dev.comity.membership.MembershipEpoch.Member;
import dev.comity.plan.Architecture;
import dev.comity.plan.Digest;
import dev.comity.plan.FederationId;
import dev.comity.plan.SiteId;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class MembershipTest {
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
        SignedMembership.sign(epoch(3, Optional.of(second.digest()), SOUTH), CONSORTIUM);
    SignedMembership fork =
        SignedMembership.sign(epoch(3, Optional.of(first.digest()), SOUTH), CONSORTIUM);
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
                List.of(NORTH.key().fingerprint()),
                1,
                List.of(),
                Optional.empty()))
        .hasMessageContaining("site north is listed with a revoked key");
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

  private static MembershipEpoch epoch(long version, Optional<Digest> previous, Member... members) {
    return new MembershipEpoch(
        new FederationId("demo"),
        version,
        NOW,
        NOW.plusSeconds(3600),
        AGGREGATOR,
        List.of(members),
        List.of(MessageKey.generate().publicKey().fingerprint()),
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
