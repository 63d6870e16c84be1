package dev.comity.transparency;

import dev.comity.codec.Bytes;
import dev.comity.codec.CborWriter;
import dev.comity.membership.MessageKey;
import dev.comity.membership.MessagePublicKey;
import dev.comity.membership.SignatureLabel;
import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;

/// A site's word that it checked a head: the aggregator's signature, the consistency with every
/// head that the site countersigned before, and the inclusion of its own sessions and rounds.
/// `head` is the digest of the head's document.
public record Countersignature(SiteId site, Digest head, Bytes signature) {
  public Countersignature {
    if (signature.size() != MessagePublicKey.SIGNATURE_SIZE) {
      throw new IllegalArgumentException(
          "a countersignature is 64 bytes, found " + signature.size());
    }
  }

  public static Countersignature sign(SiteId site, SignedHead head, MessageKey key) {
    Digest digest = head.digest();
    return new Countersignature(
        site,
        digest,
        Bytes.of(key.sign(SignatureLabel.AUDIT_COUNTERSIGNATURE, content(site, digest))));
  }

  /// Whether `key` made it.
  public boolean verifies(MessagePublicKey key) {
    return key.verify(SignatureLabel.AUDIT_COUNTERSIGNATURE, signature, content(site, head));
  }

  private static byte[] content(SiteId site, Digest head) {
    return CborWriter.map().text("site", site.value()).bytes("head", head.bytes()).toBytes();
  }
}
