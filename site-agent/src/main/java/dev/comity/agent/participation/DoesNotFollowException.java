package dev.comity.agent.participation;

/// A model version that does not follow from what it names: the site neither trains from it nor
/// believes it.
final class DoesNotFollowException extends Exception {
  private static final long serialVersionUID = 1L;

  DoesNotFollowException(String message) {
    super(message);
  }

  DoesNotFollowException(String message, Throwable cause) {
    super(message, cause);
  }
}
