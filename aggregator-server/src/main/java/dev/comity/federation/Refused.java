package dev.comity.federation;

/// A request that cannot be granted: says what was refused, its value, the limit and the remedy,
/// and never a secret.
public final class Refused extends RuntimeException {
  private static final long serialVersionUID = 1;

  /// What kind of obstacle stands in the way.
  public enum Kind {
    /// The content is wrong whenever it is sent.
    INVALID,
    /// The state of the federation forbids it now.
    CONFLICT,
    /// The caller has not shown that it may.
    FORBIDDEN
  }

  private final Kind kind;
  private final String code;

  /// @param code stable and machine-readable, e.g. `token-expired`
  public Refused(Kind kind, String code, String detail) {
    super(detail);
    this.kind = kind;
    this.code = code;
  }

  public Kind kind() {
    return kind;
  }

  public String code() {
    return code;
  }

  /// The sentence for a person.
  public String detail() {
    return String.valueOf(getMessage());
  }
}
