package dev.comity.agent.participation;

/// A membership that the aggregator showed and this site does not go by. While the aggregator shows
/// no other one, the site takes part in nothing.
final class RefusedMembership extends RuntimeException {
  private static final long serialVersionUID = 1L;

  RefusedMembership(String message) {
    super(message);
  }

  RefusedMembership(String message, Throwable cause) {
    super(message, cause);
  }

  /// The sentence for a person.
  String detail() {
    return String.valueOf(getMessage());
  }
}
