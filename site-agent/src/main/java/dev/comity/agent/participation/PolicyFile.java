package dev.comity.agent.participation;

import dev.comity.agent.policy.PrivacyPolicy;
import dev.comity.agent.policy.SitePolicy;
import dev.comity.plan.RunKind;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// `policy.yaml`: every key is optional and has the value of [SitePolicy#defaults] when absent.
///
/// ```yaml
/// allowedKinds: [train, evaluate]
/// architectures: [logistic-regression, mlp]
/// minHonest: 3
/// nC: 1
/// maxClipNorm: 10.0
/// privacy:
///   epsilon: 8
///   delta: 1.0e-5
///   withoutNoise: refuse
/// ```
record PolicyFile(
    @Nullable List<String> allowedKinds,
    @Nullable List<String> architectures,
    @Nullable Integer minHonest,
    @Nullable Integer nC,
    @Nullable Double maxClipNorm,
    PolicyFile.@Nullable Privacy privacy) {

  /// The budget of the site's data, for their lifetime. `withoutNoise`: `refuse`, or `allow`.
  record Privacy(@Nullable Double epsilon, @Nullable Double delta, @Nullable String withoutNoise) {
    private PrivacyPolicy policy() {
      return PrivacyPolicy.of(
          Optional.ofNullable(epsilon),
          Optional.ofNullable(delta),
          Optional.ofNullable(withoutNoise).map(Privacy::allowed));
    }

    private static boolean allowed(String word) {
      return switch (word) {
        case "allow" -> true;
        case "refuse" -> false;
        default ->
            throw new IllegalArgumentException(
                "key privacy.withoutNoise: %s is none of allow, refuse".formatted(word));
      };
    }
  }

  /// The site's policy; the defaults when there is no file.
  static SitePolicy read(Path file) {
    if (!Files.exists(file)) {
      return SitePolicy.defaults();
    }
    try {
      return StrictYaml.read(file, PolicyFile.class).policy();
    } catch (IllegalArgumentException e) {
      throw new RefusedSettings("%s: %s".formatted(file, e.getMessage()), e);
    }
  }

  private SitePolicy policy() {
    var defaults = SitePolicy.defaults();
    return new SitePolicy(
        allowedKinds == null ? defaults.allowedKinds() : kinds(allowedKinds),
        architectures == null ? defaults.families() : families(architectures, defaults.families()),
        minHonest == null ? defaults.minHonestFloor() : minHonest,
        nC == null ? defaults.nCFloor() : nC,
        maxClipNorm == null ? defaults.maxClipNorm() : maxClipNorm,
        privacy == null ? defaults.privacy() : privacy.policy());
  }

  private static Set<RunKind> kinds(List<String> names) {
    var kinds = EnumSet.noneOf(RunKind.class);
    for (String name : names) {
      try {
        kinds.add(RunKind.valueOf(name.toUpperCase(Locale.ROOT)));
      } catch (IllegalArgumentException e) {
        throw new IllegalArgumentException(
            "key allowedKinds: %s is none of train, evaluate, statistics, personalize"
                .formatted(name),
            e);
      }
    }
    return kinds;
  }

  private static Set<String> families(List<String> names, Set<String> known) {
    for (String name : names) {
      if (!known.contains(name)) {
        throw new IllegalArgumentException(
            "key architectures: %s is no built-in family; known: %s"
                .formatted(name, known.stream().sorted().toList()));
      }
    }
    return Set.copyOf(names);
  }
}
