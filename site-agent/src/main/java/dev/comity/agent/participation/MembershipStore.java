package dev.comity.agent.participation;

import dev.comity.agent.protection.DurableFile;
import dev.comity.codec.Bytes;
import dev.comity.codec.CborReader;
import dev.comity.codec.CborWriter;
import dev.comity.codec.MalformedException;
import dev.comity.membership.MembershipEpoch;
import dev.comity.membership.MessagePublicKey;
import dev.comity.membership.RefusedSignatureException;
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

  /// Takes `membership` if it is newer than what is known and contradicts none of it.
  ///
  /// @throws RefusedMembership when the consortium did not sign it, or it is another federation's,
  ///   older, another document of the known version, or drops a revocation or a hand-over of the
  ///   consortium's key
  synchronized void take(SignedMembership membership) {
    MembershipEpoch epoch = verified(membership);
    if (!epoch.federation().equals(federation)) {
      throw new RefusedMembership(
          "membership of federation %s: this site belongs to %s"
              .formatted(epoch.federation(), federation));
    }
    if (current.isPresent()) {
      requireNewer(epoch, current.get());
      if (epoch.equals(current.get())) {
        return;
      }
    }
    file.write(
        CborWriter.map()
            .bytes("document", membership.document())
            .bytes("signature", membership.signature())
            .toBytes());
    current = Optional.of(epoch);
  }

  private MembershipEpoch verified(SignedMembership membership) {
    try {
      return membership.verify(consortium);
    } catch (RefusedSignatureException | MalformedException e) {
      throw new RefusedMembership(
          "%s; the aggregator may invent sites: tell the consortium".formatted(e.getMessage()), e);
    }
  }

  private static void requireNewer(MembershipEpoch shown, MembershipEpoch known) {
    if (shown.version() < known.version()) {
      throw new RefusedMembership(
          "membership version %d: this site has seen version %d; the aggregator was set back or hides what was decided since, which may be a revocation: tell its operator and the consortium"
              .formatted(shown.version(), known.version()));
    }
    if (shown.version() == known.version()) {
      if (!shown.equals(known)) {
        throw new RefusedMembership(
            "membership version %d with digest %s: this site has seen another list under that number, with digest %s; somebody signed two: tell the consortium both digests"
                .formatted(
                    known.version(), shown.digest().abbreviated(), known.digest().abbreviated()));
      }
      return;
    }
    try {
      shown.requireAfter(known);
    } catch (RefusedSignatureException e) {
      throw new RefusedMembership("%s: tell the consortium".formatted(e.getMessage()), e);
    }
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
