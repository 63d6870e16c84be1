package dev.comity.session;

import dev.comity.codec.Bytes;
import dev.comity.codec.CborReader;
import dev.comity.codec.CborWriter;
import dev.comity.membership.MessageKey;
import dev.comity.membership.MessagePublicKey;
import dev.comity.membership.SignatureLabel;
import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;

/// What one site says in one phase of a session, signed with its message key.
///
/// The signature covers `label ‖ 0x00 ‖ phase ‖ sessionId ‖ preceding H ‖ signed part`, where the
/// label belongs to the phase, the preceding H is the digest of everything that the signer saw
/// before (sessionId itself in the first phase and for an ABORT vote), and the signed part is the
/// body; of `SHARE_KEYS` it is the commitment inside the body, whose Merkle root binds every
/// delivery, so that nobody needs another's ciphertexts to check it.
public record SignedMessage(
    Digest session, SiteId sender, Phase phase, Bytes body, Bytes signature) {

  /// The messages of a site, in their order.
  public enum Phase {
    ADVERTISE_KEYS(1, SignatureLabel.P1),
    SHARE_KEYS(2, SignatureLabel.P2),
    MASKED_INPUT(3, SignatureLabel.P3),
    VOTE(4, SignatureLabel.P4),
    /// On a ring alone.
    RELEASE(7, SignatureLabel.RELEASE),
    UNMASK(5, SignatureLabel.P5);

    /// Under the signature.
    private final int number;

    private final SignatureLabel label;

    Phase(int number, SignatureLabel label) {
      this.number = number;
      this.label = label;
    }

    SignatureLabel label() {
      return label;
    }
  }

  private static final int SIGNATURE_BYTES = 64;

  public SignedMessage {
    if (signature.size() != SIGNATURE_BYTES) {
      throw new IllegalArgumentException(
          "signature of "
              + signature.size()
              + " bytes in a message of "
              + sender
              + ": must be "
              + SIGNATURE_BYTES);
    }
  }

  static SignedMessage sign(
      Digest session, SiteId sender, Phase phase, Digest preceding, byte[] body, MessageKey key) {
    byte[] content = content(session, phase, preceding, signedPart(phase, body));
    return new SignedMessage(
        session, sender, phase, Bytes.of(body), Bytes.of(key.sign(phase.label(), content)));
  }

  boolean verifies(MessagePublicKey key, Digest preceding) {
    return key.verify(
        phase.label(),
        signature.toByteArray(),
        content(session, phase, preceding, signedPart(phase, body.toByteArray())));
  }

  /// The message without what no other site needs: of `SHARE_KEYS` the commitment alone.
  SignedMessage published() {
    return phase == Phase.SHARE_KEYS
        ? new SignedMessage(
            session, sender, phase, Bytes.of(signedPart(phase, body.toByteArray())), signature)
        : this;
  }

  /// SHA-256 over signed part and signature, the leaf of H1, H2 and H3.
  Digest digest() {
    return Digest.of(
        new Transcribed()
            .bytes(signedPart(phase, body.toByteArray()))
            .bytes(signature.toByteArray())
            .toByteArray());
  }

  private static byte[] content(Digest session, Phase phase, Digest preceding, byte[] signedPart) {
    return new Transcribed()
        .number(phase.number)
        .digest(session)
        .digest(preceding)
        .bytes(signedPart)
        .toByteArray();
  }

  private static byte[] signedPart(Phase phase, byte[] body) {
    return phase == Phase.SHARE_KEYS ? ShareDeliveries.commitmentIn(body) : body;
  }

  CborWriter toCbor() {
    return CborWriter.map()
        .text("sender", sender.value())
        .bytes("body", body)
        .bytes("signature", signature);
  }

  static SignedMessage fromCbor(CborReader in, Digest session, Phase phase, int mostBodyBytes) {
    return new SignedMessage(
        session,
        new SiteId(in.text("sender")),
        phase,
        in.bytes("body", 1, mostBodyBytes),
        in.bytes("signature", SIGNATURE_BYTES));
  }
}
