package dev.comity.membership;

import dev.comity.codec.Bytes;
import dev.comity.codec.CborReader;
import dev.comity.codec.CborWriter;
import dev.comity.codec.MalformedException;
import dev.comity.plan.FederationId;
import dev.comity.plan.SiteId;
import java.util.Base64;
import java.util.Optional;

/// The holder of key `from` says that its next message key is `to`: of `site`, or of the consortium
/// when `site` is empty. `signature` is by `from`, `acceptance` by `to` over the same content, so
/// that nobody names a key that it does not hold. As one line of text it is
/// `comity-key1.<document>.<signature>.<acceptance>`, in base64url without padding; it holds no
/// secret.
///
/// Every instance is consistent: both signatures fit.
public record KeySuccession(
    FederationId federation,
    Optional<SiteId> site,
    MessagePublicKey from,
    MessagePublicKey to,
    Bytes signature,
    Bytes acceptance) {
  private static final String SCHEME = "comity-key1";
  private static final int MAX_TOKEN = 2048;

  public KeySuccession {
    byte[] content = content(federation, site, from, to);
    if (from.equals(to)) {
      throw new IllegalArgumentException(
          "the key %s cannot follow itself; make a new key".formatted(from));
    }
    if (!from.verify(SignatureLabel.KEY_SUCCESSION, signature, content)) {
      throw new RefusedSignatureException(
          "the succession of key %s is not signed by it".formatted(from));
    }
    if (!to.verify(SignatureLabel.KEY_SUCCESSION, acceptance, content)) {
      throw new RefusedSignatureException(
          "the succession to key %s is not signed by it".formatted(to));
    }
  }

  /// The statement of whoever holds both keys.
  public static KeySuccession sign(
      FederationId federation, Optional<SiteId> site, MessageKey from, MessageKey to) {
    byte[] content = content(federation, site, from.publicKey(), to.publicKey());
    return new KeySuccession(
        federation,
        site,
        from.publicKey(),
        to.publicKey(),
        Bytes.of(from.sign(SignatureLabel.KEY_SUCCESSION, content)),
        Bytes.of(to.sign(SignatureLabel.KEY_SUCCESSION, content)));
  }

  /// Reads a token; surrounding white space is ignored. `MalformedException` if it is none,
  /// `RefusedSignatureException` if a signature does not fit.
  public static KeySuccession parse(String token) {
    String[] parts = token.strip().split("\\.", -1);
    if (token.length() > MAX_TOKEN || parts.length != 4 || !parts[0].equals(SCHEME)) {
      throw new MalformedException(
          "not a key statement: it is one line that begins with comity-key1. and has four parts");
    }
    Base64.Decoder base64 = Base64.getUrlDecoder();
    try {
      byte[] document = base64.decode(parts[1]);
      Bytes signature = Bytes.of(base64.decode(parts[2]));
      Bytes acceptance = Bytes.of(base64.decode(parts[3]));
      return CborReader.read(document, "KeySuccession", in -> read(in, signature, acceptance));
    } catch (IllegalArgumentException e) {
      throw new MalformedException("not a key statement: " + e.getMessage(), e);
    }
  }

  private static KeySuccession read(CborReader in, Bytes signature, Bytes acceptance) {
    return new KeySuccession(
        new FederationId(in.text("federation")),
        in.optionalText("site").map(SiteId::new),
        MessagePublicKey.of(in.bytes("from", MessagePublicKey.SIZE)),
        MessagePublicKey.of(in.bytes("to", MessagePublicKey.SIZE)),
        signature,
        acceptance);
  }

  /// The one line of text.
  public String token() {
    Base64.Encoder base64 = Base64.getUrlEncoder().withoutPadding();
    return String.join(
        ".",
        SCHEME,
        base64.encodeToString(content(federation, site, from, to)),
        base64.encodeToString(signature.toByteArray()),
        base64.encodeToString(acceptance.toByteArray()));
  }

  private static byte[] content(
      FederationId federation, Optional<SiteId> site, MessagePublicKey from, MessagePublicKey to) {
    return CborWriter.map()
        .text("federation", federation.value())
        .text("site", site.map(SiteId::value))
        .bytes("from", from.bytes())
        .bytes("to", to.bytes())
        .toBytes();
  }
}
