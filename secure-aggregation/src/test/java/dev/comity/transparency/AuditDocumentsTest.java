package dev.comity.transparency;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.comity.codec.Bytes;
import dev.comity.codec.CborWriter;
import dev.comity.codec.MalformedException;
import dev.comity.membership.MessageKey;
import dev.comity.membership.RefusedSignatureException;
import dev.comity.membership.SignatureLabel;
import dev.comity.plan.Digest;
import dev.comity.plan.FederationId;
import dev.comity.plan.RunId;
import dev.comity.plan.SiteId;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class AuditDocumentsTest {
  private static final MessageKey AGGREGATOR = MessageKey.generate();
  private static final MessageKey SITE = MessageKey.generate();
  private static final RunId RUN = new RunId(new UUID(1, 2));
  private static final TreeHead HEAD =
      new TreeHead(
          new FederationId("north"), 2, 7, digest(1), Instant.parse("2026-03-01T12:00:00.123Z"));

  private static Digest digest(int seed) {
    return Digest.of(new byte[] {(byte) seed});
  }

  private static final List<AuditEntry> ENTRIES =
      List.of(
          new AuditEntry.Membership(3, digest(2)),
          new AuditEntry.Session(
              digest(3),
              RUN,
              digest(4),
              AuditEntry.SessionOutcome.SUMMED,
              digest(5),
              Optional.of(digest(6))),
          new AuditEntry.Session(
              digest(3),
              RUN,
              digest(4),
              AuditEntry.SessionOutcome.ABORTED,
              digest(5),
              Optional.empty()),
          new AuditEntry.Round(RUN, 4, digest(7), digest(8), digest(9), Optional.of(digest(10))),
          new AuditEntry.Round(RUN, 4, digest(7), digest(8), digest(9), Optional.empty()),
          new AuditEntry.Run(RUN, AuditEntry.RunOutcome.CANCELLED, digest(11)));

  @Test
  void an_entry_reads_as_it_was_written_and_no_two_have_one_leaf_hash() {
    assertThat(ENTRIES)
        .allSatisfy(entry -> {
          assertThat(AuditEntry.decode(entry.encode())).isEqualTo(entry);
          assertThat(entry.leafHash()).isEqualTo(MerkleLog.leafHash(entry.encode()));
        });
    assertThat(ENTRIES.stream().map(AuditEntry::leafHash)).doesNotHaveDuplicates();
  }

  @Test
  void an_entry_of_an_unknown_kind_or_with_an_unknown_field_is_refused() {
    assertThatThrownBy(() -> AuditEntry.decode(CborWriter.map().text("kind", "rumour").toBytes()))
        .isInstanceOf(MalformedException.class)
        .hasMessageContaining("rumour");
    byte[] more =
        CborWriter.map()
            .text("kind", "membership")
            .integer("version", 1)
            .bytes("document", digest(1).bytes())
            .text("note", "psst")
            .toBytes();
    assertThatThrownBy(() -> AuditEntry.decode(more))
        .isInstanceOf(MalformedException.class)
        .hasMessageContaining("note");
  }

  @Test
  void a_head_counts_only_under_the_key_that_signed_it() {
    SignedHead signed = SignedHead.sign(HEAD, AGGREGATOR);

    assertThat(signed.verify(AGGREGATOR.publicKey())).isEqualTo(HEAD);
    assertThatThrownBy(() -> signed.verify(SITE.publicKey()))
        .isInstanceOf(RefusedSignatureException.class)
        .hasMessageContaining("not signed by the aggregator key");
  }

  @Test
  void every_flipped_bit_of_a_head_or_its_signature_is_refused() {
    SignedHead signed = SignedHead.sign(HEAD, AGGREGATOR);
    for (int bit = 0; bit < 8 * signed.document().size(); bit++) {
      SignedHead changed = new SignedHead(flipped(signed.document(), bit), signed.signature());
      assertThatThrownBy(() -> changed.verify(AGGREGATOR.publicKey()))
          .isInstanceOf(RefusedSignatureException.class);
    }
    for (int bit = 0; bit < 8 * signed.signature().size(); bit++) {
      SignedHead changed = new SignedHead(signed.document(), flipped(signed.signature(), bit));
      assertThatThrownBy(() -> changed.verify(AGGREGATOR.publicKey()))
          .isInstanceOf(RefusedSignatureException.class);
    }
  }

  @Test
  void a_signature_of_another_use_of_the_key_is_no_head_and_no_countersignature() {
    byte[] document = HEAD.encode();
    SignedHead asView =
        new SignedHead(
            Bytes.of(document), Bytes.of(AGGREGATOR.sign(SignatureLabel.VIEW, document)));
    SignedHead head = SignedHead.sign(HEAD, AGGREGATOR);

    assertThatThrownBy(() -> asView.verify(AGGREGATOR.publicKey()))
        .isInstanceOf(RefusedSignatureException.class);
    assertThat(
            new Countersignature(
                    new SiteId("a"),
                    head.digest(),
                    Bytes.of(SITE.sign(SignatureLabel.AUDIT_HEAD, document)))
                .verifies(SITE.publicKey()))
        .isFalse();
  }

  @Test
  void a_countersignature_is_of_one_site_under_one_head() {
    SignedHead head = SignedHead.sign(HEAD, AGGREGATOR);
    Countersignature made = Countersignature.sign(new SiteId("a"), head, SITE);

    assertThat(made.verifies(SITE.publicKey())).isTrue();
    assertThat(made.verifies(AGGREGATOR.publicKey())).isFalse();
    assertThat(
            new Countersignature(new SiteId("b"), made.head(), made.signature())
                .verifies(SITE.publicKey()))
        .isFalse();
    assertThat(
            new Countersignature(made.site(), digest(9), made.signature())
                .verifies(SITE.publicKey()))
        .isFalse();
  }

  @Test
  void heads_that_cannot_be_are_refused() {
    assertThatThrownBy(() -> new TreeHead(HEAD.federation(), 0, 1, digest(1), HEAD.at()))
        .hasMessageContaining("federation epoch 0");
    assertThatThrownBy(() -> new TreeHead(HEAD.federation(), 1, -1, digest(1), HEAD.at()))
        .hasMessageContaining("size -1");
    assertThatThrownBy(() -> new TreeHead(HEAD.federation(), 1, 0, digest(1), HEAD.at()))
        .hasMessageContaining("root of the empty log");
    assertThatThrownBy(
            () -> new TreeHead(HEAD.federation(), 1, 1, digest(1), HEAD.at().plusNanos(1)))
        .hasMessageContaining("milliseconds");
    assertThatThrownBy(() -> new SignedHead(Bytes.empty(), Bytes.empty()))
        .hasMessageContaining("64 bytes");
    assertThatThrownBy(() -> new Countersignature(new SiteId("a"), digest(1), Bytes.empty()))
        .hasMessageContaining("64 bytes");
  }

  private static Bytes flipped(Bytes bytes, int bit) {
    byte[] changed = bytes.toByteArray();
    changed[bit / 8] ^= (byte) (1 << (bit % 8));
    return Bytes.of(changed);
  }
}
