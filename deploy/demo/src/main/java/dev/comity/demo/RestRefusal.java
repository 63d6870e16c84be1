package dev.comity.demo;

/// The aggregator answered a call with an error.
final class RestRefusal extends DemoFailure {
  private static final long serialVersionUID = 1;

  private final int status;

  RestRefusal(String message, int status) {
    super(message);
    this.status = status;
  }

  /// Whether the aggregator failed, rather than the call.
  boolean isServerError() {
    return status >= 500;
  }
}
