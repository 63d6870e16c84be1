package dev.comity.membership;

import dev.comity.codec.Bytes;
import dev.comity.plan.Digest;
import java.util.Optional;

/// A membership epoch as it travels: its exact bytes and the consortium's signature over them.
/// Nothing in it counts before `verify`.
public record SignedMembership(Bytes document, Bytes signature) {
  public SignedMembership {
    if (signature.size() != MessagePublicKey.SIGNATURE_SIZE) {
      throw new IllegalArgumentException(
          "a membership signature is 64 bytes, found " + signature.size());
    }
  }

  public static SignedMembership sign(MembershipEpoch epoch, MessageKey consortium) {
    byte[] document = epoch.encode();
    return new SignedMembership(
        Bytes.of(document), Bytes.of(consortium.sign(SignatureLabel.MEMBERSHIP, document)));
  }

  /// The epoch, if `consortium` signed it. `RefusedSignatureException` if not, `MalformedException`
  /// if what was signed is no membership epoch. Expiry is the caller's to judge, with
  /// `MembershipEpoch.expired`.
  public MembershipEpoch verify(MessagePublicKey consortium) {
    byte[] bytes = document.toByteArray();
    if (!consortium.verify(SignatureLabel.MEMBERSHIP, signature, bytes)) {
      throw new RefusedSignatureException(
          "the membership is not signed by the consortium key " + consortium);
    }
    return MembershipEpoch.decode(bytes);
  }

  /// As `verify`, and refused unless this version directly follows `last`: the first has version 1,
  /// every later one the next version, the same federation and the digest of the one before.
  public MembershipEpoch verifyAfter(Optional<SignedMembership> last, MessagePublicKey consortium) {
    MembershipEpoch epoch = verify(consortium);
    Optional<MembershipEpoch> before = last.map(membership -> membership.verify(consortium));
    long wanted = before.map(MembershipEpoch::version).orElse(0L) + 1;
    if (epoch.version() != wanted) {
      throw new RefusedSignatureException(
          "membership version %d: must be %d, the one after the last; sign it anew"
              .formatted(epoch.version(), wanted));
    }
    if (!epoch.previous().equals(last.map(SignedMembership::digest))) {
      throw new RefusedSignatureException(
          "membership version %d does not name version %d as the one before; sign it anew"
              .formatted(epoch.version(), wanted - 1));
    }
    if (before.isPresent() && !before.get().federation().equals(epoch.federation())) {
      throw new RefusedSignatureException(
          "membership of federation %s: must be %s, as before"
              .formatted(epoch.federation(), before.get().federation()));
    }
    return epoch;
  }

  /// The digest of the document's bytes.
  public Digest digest() {
    return Digest.of(document.toByteArray());
  }
}
