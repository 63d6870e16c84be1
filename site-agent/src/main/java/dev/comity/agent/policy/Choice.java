package dev.comity.agent.policy;

import java.util.Set;
import java.util.stream.Collectors;

/// What a rule permits: some values, or any.
public sealed interface Choice {

  /// Whether `value` is permitted.
  boolean permits(String value);

  /// Whatever is asked for.
  record Any() implements Choice {
    @Override
    public boolean permits(String value) {
      return true;
    }

    @Override
    public String toString() {
      return "any";
    }
  }

  /// These alone.
  record Of(Set<String> values) implements Choice {
    public Of {
      values = Set.copyOf(values);
      if (values.isEmpty()) {
        throw new IllegalArgumentException("names nothing; list what is permitted, or write any");
      }
    }

    @Override
    public boolean permits(String value) {
      return values.contains(value);
    }

    @Override
    public String toString() {
      return values.stream().sorted().collect(Collectors.joining(", "));
    }
  }
}
