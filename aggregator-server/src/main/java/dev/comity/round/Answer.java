package dev.comity.round;

/// How a site's call ended in the domain; the call itself succeeded.
public sealed interface Answer {
  record Accepted() implements Answer {}

  /// Late or duplicate: nothing changed, nothing is wrong.
  record Ignored(String detail) implements Answer {}

  /// `code` is stable; `detail` names value, limit and remedy.
  record Refused(String code, String detail) implements Answer {}
}
