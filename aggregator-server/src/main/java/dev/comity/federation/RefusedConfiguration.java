package dev.comity.federation;

/// A setting, or the data that it points to, with which this aggregator cannot start: what was
/// refused, and what to do about it.
public final class RefusedConfiguration extends RuntimeException {
  private static final long serialVersionUID = 1;

  private final String remedy;

  public RefusedConfiguration(String refused, String remedy) {
    super(refused);
    this.remedy = remedy;
  }

  public String remedy() {
    return remedy;
  }
}
