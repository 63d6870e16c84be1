package dev.comity.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.comity.codec.CborReader;
import dev.comity.codec.CborWriter;
import dev.comity.membership.MembershipEpoch;
import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

class TranscriptVerifierTest {
  private static final int FLIPS = 400;

  private static Function<Digest, Optional<MembershipEpoch>> memberships(Federation federation) {
    return digest ->
        Optional.of(federation.membership).filter(epoch -> epoch.digest().equals(digest));
  }

  private static Federation done() {
    Federation federation = new Federation(5, 1);
    SiteId silent = federation.sites.getLast();
    federation.run((site, kind) -> !site.equals(silent) || kind != SignedView.Kind.SHARES);
    assertThat(federation.server.state()).isEqualTo(ServerSession.State.DONE);
    return federation;
  }

  private static Federation aborted(boolean afterMaskedInput) {
    Federation federation = new Federation(5, 1);
    if (afterMaskedInput) {
      federation.runUntil(ServerSession.State.VOTING);
    } else {
      federation.runUntil(ServerSession.State.SHARING_KEYS);
    }
    federation.sendMoved(new SessionEvent.Cancelled("not wanted"));
    federation.run((_, _) -> true);
    assertThat(federation.server.state()).isEqualTo(ServerSession.State.ABORTED);
    return federation;
  }

  @Test
  void the_transcript_of_a_sum_proves_its_survivors() {
    Federation federation = done();

    var proven = TranscriptVerifier.verify(federation.server.transcript(), memberships(federation));

    assertThat(proven).isInstanceOf(TranscriptVerifier.Proven.Committed.class);
    var committed = (TranscriptVerifier.Proven.Committed) proven;
    assertThat(committed.descriptor()).isEqualTo(federation.server.descriptor());
    assertThat(committed.survivors()).isEqualTo(federation.sites.subList(0, 4));
    assertThat(committed.votes())
        .isGreaterThanOrEqualTo(federation.server.descriptor().quorum().threshold());
    assertThat(Optional.<Certificate>of(committed.certificate()))
        .isEqualTo(federation.server.certificate());
  }

  @Test
  void the_transcript_of_an_aborted_session_proves_its_certificate() {
    Federation federation = aborted(true);

    var proven = TranscriptVerifier.verify(federation.server.transcript(), memberships(federation));

    assertThat(proven)
        .isEqualTo(
            new TranscriptVerifier.Proven.Aborted(
                federation.server.descriptor(), federation.server.certificate()));
    assertThat(federation.server.certificate()).isPresent();
  }

  @Test
  void a_session_that_ended_before_any_masked_input_has_a_transcript_without_certificate() {
    Federation federation = aborted(false);

    var proven = TranscriptVerifier.verify(federation.server.transcript(), memberships(federation));

    assertThat(proven)
        .isEqualTo(
            new TranscriptVerifier.Proven.Aborted(
                federation.server.descriptor(), Optional.empty()));
  }

  @Test
  void a_transcript_under_another_membership_is_refused() {
    Federation federation = done();
    byte[] transcript = federation.server.transcript();

    assertThatThrownBy(() -> TranscriptVerifier.verify(transcript, _ -> Optional.empty()))
        .isInstanceOf(SessionRefusal.class)
        .hasMessageContaining("not at hand");
    assertThatThrownBy(() ->
            TranscriptVerifier.verify(
                transcript, _ -> Optional.of(new Federation(4, 1).membership)))
        .isInstanceOf(SessionRefusal.class)
        .hasMessageContaining("roster names");
  }

  /// One flip in each of many places, spread evenly from the first byte to the last.
  @Test
  void a_flipped_bit_anywhere_is_refused() {
    for (Federation federation : List.of(done(), aborted(true))) {
      byte[] transcript = federation.server.transcript();
      for (int flip = 0; flip < FLIPS; flip++) {
        byte[] changed = transcript.clone();
        int at = (int) ((long) flip * transcript.length / FLIPS);
        changed[at] ^= (byte) (1 << (flip % 8));
        assertThatThrownBy(() -> TranscriptVerifier.verify(changed, memberships(federation)))
            .as("bit %d of byte %d", flip % 8, at)
            .isInstanceOf(SessionRefusal.class);
      }
    }
  }

  @Test
  void a_certificate_of_too_few_votes_or_of_other_survivors_is_refused() {
    Federation federation = done();
    Certificate.Commit commit = (Certificate.Commit) federation.server.certificate().orElseThrow();
    Certificate.Commit thin =
        new Certificate.Commit(
            commit.session(), commit.h2(), commit.inputs(), commit.votes().subList(1, 4));
    Federation other = done();

    assertThatThrownBy(() ->
            TranscriptVerifier.verify(
                with(federation.server.transcript(), thin.encode()), memberships(federation)))
        .isInstanceOf(SessionRefusal.class)
        .hasMessageContaining("certificate of 3 votes; must be >= T = 4");
    assertThatThrownBy(() ->
            TranscriptVerifier.verify(
                with(
                    federation.server.transcript(),
                    other.server.certificate().orElseThrow().encode()),
                memberships(federation)))
        .isInstanceOf(SessionRefusal.class);
  }

  @Test
  void a_commit_certificate_does_not_pass_for_an_aborted_session() {
    Federation federation = done();
    byte[] bare =
        CborWriter.map()
            .bytes("descriptor", federation.server.descriptor().encode())
            .bytes("certificate", federation.server.certificate().orElseThrow().encode())
            .toBytes();

    assertThatThrownBy(() -> TranscriptVerifier.verify(bare, memberships(federation)))
        .isInstanceOf(SessionRefusal.class)
        .hasMessageContaining("COMMIT certificate without the messages");
  }

  private static byte[] with(byte[] transcript, byte[] certificate) {
    return CborReader.read(
        transcript,
        "Transcript",
        in -> {
          CborWriter out =
              CborWriter.map()
                  .bytes("descriptor", in.bytes("descriptor", 1, 1 << 20))
                  .bytes("certificate", certificate);
          for (String list : List.of("keys", "shares", "headers")) {
            out.map(list, in.map(list, TranscriptVerifierTest::messages));
          }
          in.bytes("certificate", 1, 1 << 20);
          return out.toBytes();
        });
  }

  private static CborWriter messages(CborReader in) {
    return CborWriter.map()
        .maps(
            "messages",
            in.maps(
                "messages",
                each ->
                    CborWriter.map()
                        .text("sender", each.text("sender"))
                        .bytes("body", each.bytes("body", 1, 1 << 20))
                        .bytes("signature", each.bytes("signature", 64))),
            each -> each);
  }
}
