package dev.comity.transparency;

import dev.comity.codec.Bytes;
import dev.comity.membership.MessageKey;
import dev.comity.membership.MessagePublicKey;
import dev.comity.membership.RefusedSignatureException;
import dev.comity.membership.SignatureLabel;
import dev.comity.plan.Digest;

/// A head as it travels: its exact bytes and the aggregator's signature over them. Nothing in it
/// counts before `verify`. Two heads of one size that verify and have different roots prove to
/// anybody that the aggregator keeps two logs.
public record SignedHead(Bytes document, Bytes signature) {
  public SignedHead {
    if (signature.size() != MessagePublicKey.SIGNATURE_SIZE) {
      throw new IllegalArgumentException(
          "the signature of an audit head is 64 bytes, found " + signature.size());
    }
  }

  public static SignedHead sign(TreeHead head, MessageKey aggregator) {
    byte[] document = head.encode();
    return new SignedHead(
        Bytes.of(document), Bytes.of(aggregator.sign(SignatureLabel.AUDIT_HEAD, document)));
  }

  /// The head, if `aggregator` signed it: `RefusedSignatureException` if not,
  /// `dev.comity.codec.MalformedException` if what was signed is no head.
  public TreeHead verify(MessagePublicKey aggregator) {
    byte[] bytes = document.toByteArray();
    if (!aggregator.verify(SignatureLabel.AUDIT_HEAD, signature, bytes)) {
      throw new RefusedSignatureException(
          "the audit head is not signed by the aggregator key %s of the membership epoch"
              .formatted(aggregator));
    }
    return TreeHead.decode(bytes);
  }

  /// The digest of the document's bytes.
  public Digest digest() {
    return Digest.of(document.toByteArray());
  }
}
