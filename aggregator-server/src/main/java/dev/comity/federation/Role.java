package dev.comity.federation;

/// What an account or a token may do; each role may do all that the ones after it may.
public enum Role {
  ADMIN,
  RESEARCHER,
  VIEWER;

  /// Whether this role may do at least what `other` may.
  public boolean includes(Role other) {
    return compareTo(other) <= 0;
  }
}
