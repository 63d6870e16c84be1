package dev.comity.registry;

/// A model version that the registry does not take. The message says which, why, and what would
/// mend it.
public final class RefusedPublicationException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public RefusedPublicationException(String message) {
    super(message);
  }

  public RefusedPublicationException(String message, Throwable cause) {
    super(message, cause);
  }
}
