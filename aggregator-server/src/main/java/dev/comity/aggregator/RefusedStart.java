package dev.comity.aggregator;

/// A start that cannot be: what was refused, and what to do about it.
final class RefusedStart extends RuntimeException {
  private static final long serialVersionUID = 1;

  private final String remedy;

  RefusedStart(String refused, String remedy) {
    super(refused);
    this.remedy = remedy;
  }

  RefusedStart(String refused, String remedy, Throwable cause) {
    super(refused, cause);
    this.remedy = remedy;
  }

  String remedy() {
    return remedy;
  }
}
