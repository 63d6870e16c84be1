package dev.comity.agent.policy;

import dev.comity.plan.RunKind;
import java.util.Optional;
import java.util.Set;

/// What one study may do with a site's data, within what holds for all studies.
///
/// @param study its name, as plans have it; empty for each study that no other rule names
/// @param purposes the purposes, word for word as plans state them
/// @param kinds of run
/// @param architectures families, or whole architectures such as `mlp(13,16,1)`
/// @param columns of the site's own tables that features and label may be built from
/// @param epsilon what the study may cost at the δ of the lifetime's budget; empty when the
///   lifetime's budget alone bounds it
/// @param officer whether an officer must approve each of its runs
public record StudyRule(
    Optional<String> study,
    Choice purposes,
    Set<RunKind> kinds,
    Choice architectures,
    Choice columns,
    Floors floors,
    Optional<Double> epsilon,
    boolean officer) {
  public StudyRule {
    kinds = Set.copyOf(kinds);
    epsilon.ifPresent(bound -> {
      if (!(bound > 0 && bound < Double.POSITIVE_INFINITY)) {
        throw new IllegalArgumentException("epsilon %s: must be > 0 and finite".formatted(bound));
      }
    });
  }

  /// Every study, for every purpose and without asking, as far as the rest of the policy goes.
  public static StudyRule anything() {
    return new StudyRule(
        Optional.empty(),
        new Choice.Any(),
        Set.of(RunKind.values()),
        new Choice.Any(),
        new Choice.Any(),
        new Floors(
            Floors.LEAST_MIN_COHORT,
            Floors.LEAST_MIN_HONEST,
            Floors.LEAST_MIN_HONEST_RECORD_LEVEL,
            0),
        Optional.empty(),
        false);
  }
}
