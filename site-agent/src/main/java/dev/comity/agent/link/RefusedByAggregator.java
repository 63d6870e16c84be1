package dev.comity.agent.link;

/// The aggregator understood and said no: the same call will be answered in the same way.
public final class RefusedByAggregator extends Exception {
  private static final long serialVersionUID = 1L;

  private final String code;

  RefusedByAggregator(String code, String detail) {
    super("refused by the aggregator: %s (%s)".formatted(detail, code));
    this.code = code;
  }

  /// The stable name of the reason.
  public String code() {
    return code;
  }
}
