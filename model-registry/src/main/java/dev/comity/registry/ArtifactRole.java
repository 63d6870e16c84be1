package dev.comity.registry;

import dev.comity.plan.Digest;
import dev.comity.plan.ModelVersion;
import java.util.Locale;
import java.util.Optional;

/// What an artifact is to the model version that names it.
public enum ArtifactRole {
  WEIGHTS,
  OPTIMIZER_STATE,
  LAYOUT,
  PLAN,
  SUM,
  TRANSCRIPT;

  /// The artifact that `version` names in this role; version 0 names no plan, sum or transcript.
  public Optional<Digest> in(ModelVersion version) {
    return switch (this) {
      case WEIGHTS -> Optional.of(version.weights());
      case OPTIMIZER_STATE -> Optional.of(version.optimizerState());
      case LAYOUT -> Optional.of(version.parameters());
      case PLAN -> version.origin().map(ModelVersion.Origin::plan);
      case SUM -> version.origin().map(ModelVersion.Origin::sum);
      case TRANSCRIPT -> version.origin().map(ModelVersion.Origin::transcript);
    };
  }

  /// The role as a path segment: `optimizer-state`.
  public String slug() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /// The role with this [#slug()].
  public static Optional<ArtifactRole> ofSlug(String slug) {
    for (var role : values()) {
      if (role.slug().equals(slug)) {
        return Optional.of(role);
      }
    }
    return Optional.empty();
  }
}
