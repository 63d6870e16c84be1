package dev.comity.consortium;

/// The aggregator could not be reached, showed another identity than expected, or refused.
final class AggregatorException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  AggregatorException(String message) {
    super(message);
  }

  AggregatorException(String message, Throwable cause) {
    super(message, cause);
  }
}
