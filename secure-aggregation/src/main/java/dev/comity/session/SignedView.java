package dev.comity.session;

import dev.comity.codec.Bytes;
import dev.comity.codec.CborReader;
import dev.comity.codec.CborWriter;
import dev.comity.membership.MessageKey;
import dev.comity.membership.MessagePublicKey;
import dev.comity.membership.SignatureLabel;
import dev.comity.plan.Digest;
import java.util.function.Function;

/// What the aggregator shows one site, signed with its message key: the session's descriptor, the
/// keys, the shares, the headers, the certificate, or a proposal to abort. Content-addressed by the
/// digest of `encode()`.
public record SignedView(Bytes document, Bytes signature) {

  /// What a view shows, and by which message the site answers it.
  public enum Kind {
    DESCRIPTOR(SignatureLabel.DESCRIPTOR, SignedMessage.Phase.ADVERTISE_KEYS),
    KEYS(SignatureLabel.VIEW, SignedMessage.Phase.SHARE_KEYS),
    SHARES(SignatureLabel.VIEW, SignedMessage.Phase.MASKED_INPUT),
    HEADERS(SignatureLabel.VIEW, SignedMessage.Phase.VOTE),
    /// On a ring, the COMMIT certificate: whoever answers it never votes ABORT.
    RELEASE(SignatureLabel.VIEW, SignedMessage.Phase.RELEASE),
    /// The COMMIT certificate, on a ring with T RELEASEs.
    CERTIFICATE(SignatureLabel.VIEW, SignedMessage.Phase.UNMASK),
    /// Answered by an ABORT vote.
    ABORT_PROPOSAL(SignatureLabel.ABORT_PROPOSAL, SignedMessage.Phase.VOTE);

    private final SignatureLabel label;
    private final SignedMessage.Phase answer;

    Kind(SignatureLabel label, SignedMessage.Phase answer) {
      this.label = label;
      this.answer = answer;
    }

    /// The phase of the message that the site owes in reply.
    public SignedMessage.Phase answer() {
      return answer;
    }
  }

  private static final int SIGNATURE_BYTES = 64;
  private static final int MOST_DOCUMENT_BYTES = 64 << 20;

  /// Fails with `SessionRefusal` when the bytes are no signed view.
  public static SignedView decode(byte[] bytes) {
    return Refusals.malformed(
        "signed view",
        () ->
            CborReader.read(
                bytes,
                "SignedView",
                in ->
                    new SignedView(
                        in.bytes("document", 1, MOST_DOCUMENT_BYTES),
                        in.bytes("signature", SIGNATURE_BYTES))));
  }

  public byte[] encode() {
    return CborWriter.map().bytes("document", document).bytes("signature", signature).toBytes();
  }

  public Digest digest() {
    return Digest.of(encode());
  }

  static SignedView descriptor(SessionDescriptor descriptor, MessageKey aggregator) {
    return sign(Kind.DESCRIPTOR, descriptor.encode(), aggregator);
  }

  /// A view of `kind`. The signature's label does not tell the kinds of `VIEW` apart: the document
  /// does.
  static SignedView of(Kind kind, Digest session, CborWriter content, MessageKey aggregator) {
    byte[] document =
        CborWriter.map()
            .text("kind", kind.name())
            .bytes("session", session.bytes())
            .map("content", content)
            .toBytes();
    return sign(kind, document, aggregator);
  }

  private static SignedView sign(Kind kind, byte[] document, MessageKey aggregator) {
    return new SignedView(Bytes.of(document), Bytes.of(aggregator.sign(kind.label, document)));
  }

  /// The content of a view of `kind` in `session`, once the aggregator's signature verifies.
  <T> T read(
      Kind kind, Digest session, MessagePublicKey aggregator, Function<CborReader, T> content) {
    byte[] bytes = verified(kind, aggregator);
    return Refusals.malformed(
        "view of kind " + kind,
        () ->
            CborReader.read(
                bytes,
                "View",
                in -> {
                  String found = in.text("kind");
                  Digest about = SessionDescriptor.digest(in, "session");
                  if (!found.equals(kind.name()) || !about.equals(session)) {
                    throw new SessionRefusal(
                        SessionRefusal.Reason.MISMATCH,
                        "view of kind %s of session %s; must be %s of session %s"
                            .formatted(found, about.abbreviated(), kind, session.abbreviated()));
                  }
                  return in.map("content", content);
                }));
  }

  /// The document's bytes, once the aggregator's signature over them as a `kind` verifies.
  byte[] verified(Kind kind, MessagePublicKey aggregator) {
    byte[] bytes = document.toByteArray();
    if (!aggregator.verify(kind.label, signature.toByteArray(), bytes)) {
      throw new SessionRefusal(
          SessionRefusal.Reason.BAD_SIGNATURE,
          "view of kind "
              + kind
              + ": its signature does not verify under the aggregator key "
              + aggregator.fingerprint()
              + " of the membership epoch; fetch it again or ask the aggregator's operator");
    }
    return bytes;
  }
}
