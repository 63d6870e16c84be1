package dev.comity.membership;

import dev.comity.codec.Bytes;
import dev.comity.codec.MalformedException;
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

  /// The epoch, if the consortium signed it: with the key `consortium`, or with one to which the
  /// hand-overs in the epoch lead from there. `RefusedSignatureException` if not, which includes a
  /// key that was handed over before; `MalformedException` if what was signed is no membership
  /// epoch. Expiry is the caller's to judge, with `MembershipEpoch.expired`.
  public MembershipEpoch verify(MessagePublicKey consortium) {
    byte[] bytes = document.toByteArray();
    boolean direct = consortium.verify(SignatureLabel.MEMBERSHIP, signature, bytes);
    MembershipEpoch epoch;
    try {
      epoch = MembershipEpoch.decode(bytes);
    } catch (MalformedException | RefusedSignatureException e) {
      throw direct ? e : notSigned(consortium);
    }
    MessagePublicKey signer = epoch.signer(consortium);
    if (direct && !signer.equals(consortium)) {
      throw new RefusedSignatureException(
          "membership version %d is signed by the consortium key %s, which had handed over to %s before"
              .formatted(epoch.version(), consortium, signer));
    }
    if (!direct && !signer.verify(SignatureLabel.MEMBERSHIP, signature, bytes)) {
      throw notSigned(signer);
    }
    return epoch;
  }

  private static RefusedSignatureException notSigned(MessagePublicKey consortium) {
    return new RefusedSignatureException(
        "the membership is not signed by the consortium key " + consortium);
  }

  /// As `verify`, and refused unless this version directly follows `last`: the first has version 1,
  /// every later one the next version and all that `MembershipEpoch.requireAfter` asks for.
  public MembershipEpoch verifyAfter(Optional<SignedMembership> last, MessagePublicKey consortium) {
    MembershipEpoch epoch = verify(consortium);
    Optional<MembershipEpoch> before = last.map(membership -> membership.verify(consortium));
    long wanted = before.map(MembershipEpoch::version).orElse(0L) + 1;
    if (epoch.version() != wanted) {
      throw new RefusedSignatureException(
          "membership version %d: must be %d, the one after the last; sign it anew"
              .formatted(epoch.version(), wanted));
    }
    before.ifPresent(epoch::requireAfter);
    return epoch;
  }

  /// The digest of the document's bytes.
  public Digest digest() {
    return Digest.of(document.toByteArray());
  }
}
