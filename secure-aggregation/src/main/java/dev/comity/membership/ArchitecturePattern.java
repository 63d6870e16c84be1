package dev.comity.membership;

import dev.comity.plan.Architecture;
import java.util.Set;

/// Architectures that the consortium allows: a whole family (`mlp`) or one model (`mlp(60,32,10)`).
public record ArchitecturePattern(String value) {
  private static final Set<String> FAMILIES =
      Set.of(Architecture.LOGISTIC_REGRESSION, Architecture.MLP);

  public ArchitecturePattern {
    if (!FAMILIES.contains(value) && !Architecture.parse(value).toString().equals(value)) {
      throw new IllegalArgumentException(
          "architecture \"%s\": must be a family or look like mlp(60,32,10)".formatted(value));
    }
  }

  public boolean matches(Architecture architecture) {
    return value.equals(architecture.family()) || value.equals(architecture.toString());
  }

  /// Whether this is exactly that architecture, and not its whole family.
  public boolean names(Architecture architecture) {
    return value.equals(architecture.toString());
  }
}
