package dev.comity.membership;

import dev.comity.codec.Bytes;
import dev.comity.codec.MalformedException;
import java.util.Base64;

/// An invitation with the signature of the consortium key that it names. As one line of text it is
/// the token that a site is given: `comity1.<document>.<signature>`, both in base64url without
/// padding. Whoever holds it can enrol one key under the site's name, so it is not for logs:
/// `toString` leaves it out.
///
/// Every instance is consistent: the signature fits the key inside. Whether that key is the
/// consortium's is for the reader to know: the aggregator asks `requireIssuedBy`, a site trusts
/// whoever handed it the token.
public final class SignedInvitation {
  private static final String SCHEME = "comity1";
  private static final int MAX_TOKEN = 4096;

  private final Invitation invitation;
  private final Bytes document;
  private final Bytes signature;

  private SignedInvitation(Invitation invitation, Bytes document, Bytes signature) {
    this.invitation = invitation;
    this.document = document;
    this.signature = signature;
  }

  /// `consortium` must be the key that the invitation names.
  public static SignedInvitation sign(Invitation invitation, MessageKey consortium) {
    if (!invitation.consortium().equals(consortium.publicKey())) {
      throw new IllegalArgumentException(
          "the invitation names consortium key %s and would be signed by %s"
              .formatted(invitation.consortium(), consortium.publicKey()));
    }
    byte[] document = invitation.encode();
    byte[] signature = consortium.sign(SignatureLabel.INVITATION, document);
    return new SignedInvitation(invitation, Bytes.of(document), Bytes.of(signature));
  }

  /// Reads a token; surrounding white space is ignored. `MalformedException` if it is no token or
  /// was cut short, `RefusedSignatureException` if it was changed.
  public static SignedInvitation parse(String token) {
    String[] parts = token.strip().split("\\.", -1);
    if (token.length() > MAX_TOKEN || parts.length != 3 || !parts[0].equals(SCHEME)) {
      throw new MalformedException(
          "not an invitation: a token is one line that begins with comity1. and has three parts");
    }
    byte[] document;
    byte[] signature;
    try {
      document = Base64.getUrlDecoder().decode(parts[1]);
      signature = Base64.getUrlDecoder().decode(parts[2]);
    } catch (IllegalArgumentException e) {
      throw new MalformedException("not an invitation: a part of the token is not base64url", e);
    }
    Invitation invitation = Invitation.decode(document);
    if (!invitation.consortium().verify(SignatureLabel.INVITATION, signature, document)) {
      throw new RefusedSignatureException(
          "the invitation was changed after it was signed; ask the consortium for the token again");
    }
    return new SignedInvitation(invitation, Bytes.of(document), Bytes.of(signature));
  }

  public Invitation invitation() {
    return invitation;
  }

  /// The invitation, if `consortium` issued it.
  public Invitation requireIssuedBy(MessagePublicKey consortium) {
    if (!invitation.consortium().equals(consortium)) {
      throw new RefusedSignatureException(
          "the invitation was issued by %s; this federation's consortium key is %s"
              .formatted(invitation.consortium(), consortium));
    }
    return invitation;
  }

  /// The one line of text.
  public String token() {
    Base64.Encoder base64 = Base64.getUrlEncoder().withoutPadding();
    return SCHEME
        + "."
        + base64.encodeToString(document.toByteArray())
        + "."
        + base64.encodeToString(signature.toByteArray());
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof SignedInvitation that
        && document.equals(that.document)
        && signature.equals(that.signature);
  }

  @Override
  public int hashCode() {
    return 31 * document.hashCode() + signature.hashCode();
  }

  @Override
  public String toString() {
    return "SignedInvitation[%s at %s, token redacted]"
        .formatted(invitation.site(), invitation.federation());
  }
}
