package dev.comity.agent.policy;

/// One rule, held against one plan.
///
/// @param rule the policy's key, or what else was looked at
/// @param holds whether the plan satisfies it
/// @param text what was found, for the site's own people
/// @param told what aggregator and researcher hear when it does not hold; empty when it does
public record Finding(String rule, boolean holds, String text, String told) {
  public Finding {
    if (holds != told.isEmpty()) {
      throw new IllegalArgumentException(
          "finding %s: what does not hold is told, and nothing else".formatted(rule));
    }
  }

  public static Finding holds(String rule, String text) {
    return new Finding(rule, true, text, "");
  }

  /// What may be said to anybody.
  public static Finding fails(String rule, String text) {
    return new Finding(rule, false, text, text);
  }

  /// What the site's own people are told in more words.
  public static Finding fails(String rule, String text, String told) {
    return new Finding(rule, false, text, told);
  }
}
