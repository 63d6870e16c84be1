package dev.comity.agent.participation;

import dev.comity.agent.protection.DurableFile;
import dev.comity.codec.Bytes;
import dev.comity.codec.CborReader;
import dev.comity.codec.CborWriter;
import dev.comity.membership.MembershipEpoch;
import dev.comity.membership.MessagePublicKey;
import dev.comity.membership.SignedMembership;
import dev.comity.plan.FederationId;
import dev.comity.plan.SiteId;
import java.nio.file.Path;
import java.util.Optional;

/// The newest membership epoch that this site was shown and the consortium signed. Its version
/// never decreases. Thread-safe.
final class MembershipStore {
  private static final int SIGNATURE_BYTES = 64;
  private static final int MOST_DOCUMENT_BYTES = 16 << 20;

  private final DurableFile file;
  private final MessagePublicKey consortium;
  private final FederationId federation;
  private Optional<MembershipEpoch> current;

  MembershipStore(Path file, MessagePublicKey consortium, FederationId federation) {
    this.file = new DurableFile(file);
    this.consortium = consortium;
    this.federation = federation;
    this.current = this.file.read().map(content -> decode(content).verify(consortium));
  }

  synchronized Optional<MembershipEpoch> current() {
    return current;
  }

  /// Takes `membership` if it is newer than what is known.
  ///
  /// @throws IllegalArgumentException when it is another federation's, older, or another document
  ///   of the known version
  synchronized void take(SignedMembership membership) {
    MembershipEpoch epoch = membership.verify(consortium);
    if (!epoch.federation().equals(federation)) {
      throw new IllegalArgumentException(
          "membership of federation %s: this site belongs to %s"
              .formatted(epoch.federation(), federation));
    }
    if (current.isPresent()) {
      long known = current.get().version();
      if (epoch.version() < known) {
        throw new IllegalArgumentException(
            "membership version %d: this site knows version %d already; the aggregator shows an old list"
                .formatted(epoch.version(), known));
      }
      if (epoch.version() == known && !epoch.equals(current.get())) {
        throw new IllegalArgumentException(
            "membership version %d: differs from the one this site knows under that number; tell the consortium"
                .formatted(known));
      }
    }
    file.write(
        CborWriter.map()
            .bytes("document", membership.document())
            .bytes("signature", membership.signature())
            .toBytes());
    current = Optional.of(epoch);
  }

  /// Whether the known membership lists this site with this key.
  synchronized boolean lists(SiteId site, MessagePublicKey key) {
    return current.flatMap(epoch -> epoch.keyOf(site)).equals(Optional.of(key));
  }

  private static SignedMembership decode(byte[] content) {
    return CborReader.read(
        content,
        "StoredMembership",
        in -> {
          Bytes document = in.bytes("document", 1, MOST_DOCUMENT_BYTES);
          return new SignedMembership(document, in.bytes("signature", SIGNATURE_BYTES));
        });
  }
}
