package dev.comity.transparency;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import dev.comity.codec.Bytes;
import dev.comity.codec.MalformedException;
import dev.comity.codec.Mutations;
import dev.comity.membership.MessageKey;
import dev.comity.plan.Digest;
import dev.comity.plan.FederationId;
import dev.comity.plan.RunId;
import dev.comity.plan.SiteId;
import java.time.Instant;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// Damaged documents of the log and its export. Each is refused as malformed, or it is a valid
/// document and encodes to the very bytes that came.
class AuditFuzzTest {
  private static final long SEED = 20_261_125;
  private static final int USUALLY = 4_000;

  static Stream<Arguments> kinds() {
    RunId run = new RunId(new UUID(1, 2));
    Digest digest = Digest.of(new byte[] {1});
    MessageKey key = MessageKey.generate();
    MerkleLog log = new MerkleLog();
    for (int leaf = 0; leaf < 7; leaf++) {
      log.append(Digest.of(new byte[] {(byte) leaf}));
    }
    TreeHead head = new TreeHead(new FederationId("north"), 1, 7, log.root(), Instant.EPOCH);
    SignedHead signed = SignedHead.sign(head, key);
    return Stream.of(
        kind(
            "AuditEntry",
            List.of(
                new AuditEntry.Membership(3, digest).encode(),
                new AuditEntry.Session(
                        digest,
                        run,
                        digest,
                        AuditEntry.SessionOutcome.BURNED,
                        digest,
                        Optional.of(digest))
                    .encode(),
                new AuditEntry.Round(run, 2, digest, digest, digest, Optional.empty()).encode(),
                new AuditEntry.Run(run, AuditEntry.RunOutcome.ABANDONED, digest).encode()),
            bytes -> AuditEntry.decode(bytes).encode()),
        kind("AuditHead", List.of(head.encode()), bytes -> TreeHead.decode(bytes).encode()),
        kind(
            "ExportManifest",
            List.of(new AuditExport.Manifest(digest, key.publicKey()).encode()),
            bytes -> AuditExport.Manifest.decode(bytes).encode()),
        kind(
            "ExportedLeaves",
            List.of(
                AuditExport.encodeLeaves(
                    List.of(
                        new AuditExport.ProvenLeaf(
                            Bytes.of(new byte[] {1}), log.inclusion(2, 7))))),
            bytes -> AuditExport.encodeLeaves(AuditExport.decodeLeaves(bytes))),
        kind(
            "ExportedHeads",
            List.of(
                AuditExport.encodeHeads(
                    List.of(
                        new AuditExport.WitnessedHead(
                            signed,
                            log.consistency(7, 7),
                            List.of(Countersignature.sign(new SiteId("a"), signed, key)))))),
            bytes -> AuditExport.encodeHeads(AuditExport.decodeHeads(bytes))));
  }

  private static Arguments kind(String name, List<byte[]> corpus, UnaryOperator<byte[]> again) {
    return Arguments.of(name, corpus, again);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("kinds")
  void a_damaged_document_is_refused_or_is_exactly_what_its_reader_writes(
      String name, List<byte[]> corpus, UnaryOperator<byte[]> again) {
    Mutations mutations = new Mutations(corpus, SEED);
    int refused = 0;
    int inputs = Mutations.inputs(USUALLY);

    for (int i = 0; i < inputs; i++) {
      byte[] bytes = mutations.next();
      try {
        if (!Arrays.equals(again.apply(bytes), bytes)) {
          fail("%s, seed %d, input %d: %s", name, SEED, i, HexFormat.of().formatHex(bytes));
        }
      } catch (MalformedException e) {
        refused++;
      } catch (RuntimeException e) {
        fail(
            "%s, seed %d, input %d: %s".formatted(name, SEED, i, HexFormat.of().formatHex(bytes)),
            e);
      }
    }

    assertThat(refused).isBetween(inputs / 4, inputs);
  }
}
