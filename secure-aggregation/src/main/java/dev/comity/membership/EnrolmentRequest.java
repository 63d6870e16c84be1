package dev.comity.membership;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.comity.codec.Bytes;
import dev.comity.plan.Digest;

/// A site's request for a TLS certificate and a place in the membership: the token it was given,
/// the PKCS#10 request of its TLS key in DER, and its message key, whose signature covers token,
/// request and key.
public record EnrolmentRequest(String token, Bytes csrDer, MessagePublicKey key, Bytes signature) {
  private static final int MAX_CSR = 16 * 1024;

  public EnrolmentRequest {
    if (csrDer.size() < 1 || csrDer.size() > MAX_CSR) {
      throw new IllegalArgumentException(
          "a certificate request of %d bytes: must be 1 to %d".formatted(csrDer.size(), MAX_CSR));
    }
    if (signature.size() != MessagePublicKey.SIGNATURE_SIZE) {
      throw new IllegalArgumentException(
          "an enrolment signature is 64 bytes, found " + signature.size());
    }
  }

  public static EnrolmentRequest sign(String token, Bytes csrDer, MessageKey key) {
    return new EnrolmentRequest(
        token,
        csrDer,
        key.publicKey(),
        Bytes.of(
            key.sign(SignatureLabel.ENROLMENT, digest(token, csrDer, key.publicKey()).bytes())));
  }

  /// The invitation, if the message key made this request and the invitation is `consortium`'s.
  /// Expiry and the burnt nonce are the caller's to judge.
  public Invitation verify(MessagePublicKey consortium) {
    if (!key.verify(SignatureLabel.ENROLMENT, signature, digest().bytes())) {
      throw new RefusedSignatureException(
          "the enrolment is not signed by the message key %s that it names".formatted(key));
    }
    return SignedInvitation.parse(token).requireIssuedBy(consortium);
  }

  /// SHA-256 over the digests of token and certificate request and the message key: equal for the
  /// same request sent again.
  public Digest digest() {
    return digest(token, csrDer, key);
  }

  private static Digest digest(String token, Bytes csrDer, MessagePublicKey key) {
    return Digest.ofAll(
        Digest.of(token.strip().getBytes(UTF_8)).bytes(),
        Digest.of(csrDer.toByteArray()).bytes(),
        key.bytes());
  }

  /// Without the token.
  @Override
  public String toString() {
    return "EnrolmentRequest[key=" + key + ", token redacted]";
  }
}
