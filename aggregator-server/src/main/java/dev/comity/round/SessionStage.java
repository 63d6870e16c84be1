package dev.comity.round;

/// How far the present session of an aggregating round has bound its sites.
public enum SessionStage {
  /// No session is under way.
  NONE,
  /// A session exchanges keys and shares; it can end without votes.
  OPEN,
  /// Masked vectors may have been sent; only a certificate settles the end.
  EXPOSED,
  /// A COMMIT certificate exists; the round can only commit, or fail at the sum.
  CERTIFIED
}
