package dev.comity.membership;

/// A signature that does not fit, or a signed document that may not be relied on: issued by another
/// key, out of its time or out of sequence.
public final class RefusedSignatureException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public RefusedSignatureException(String message) {
    super(message);
  }
}
