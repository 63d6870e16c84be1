package dev.comity.agent.participation;

import com.fasterxml.jackson.annotation.JsonFormat;
import dev.comity.agent.policy.Choice;
import dev.comity.agent.policy.Floors;
import dev.comity.agent.policy.PrivacyPolicy;
import dev.comity.agent.policy.Sharing;
import dev.comity.agent.policy.SitePolicy;
import dev.comity.agent.policy.StudyRule;
import dev.comity.plan.Architecture;
import dev.comity.plan.RunKind;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// `policy.yaml`: what the site takes part in. [#example] is a whole file with every key explained.
///
/// A bound that is left out has its value in [SitePolicy#silent]; a `minHonestRecordLevel` that is
/// left out is as strict as a `minHonest` beside it. A permission that is left out is refused: what
/// `studies` does not name, what `share` does not allow.
record PolicyFile(
    @Nullable List<String> allowedKinds,
    @Nullable List<String> architectures,
    @Nullable Integer minCohort,
    @Nullable Integer minHonest,
    @Nullable Integer minHonestRecordLevel,
    @Nullable Integer nC,
    @Nullable Double maxClipNorm,
    PolicyFile.@Nullable Privacy privacy,
    PolicyFile.@Nullable Share share,
    @Nullable List<PolicyFile.Study> studies) {
  private static final String ANY = "any";
  private static final String EXAMPLE = "policy.yaml";

  /// The budget of the site's data, for their lifetime. `withoutNoise`: `refuse`, or `allow`.
  record Privacy(@Nullable Double epsilon, @Nullable Double delta, @Nullable String withoutNoise) {
    private PrivacyPolicy policy() {
      return PrivacyPolicy.of(
          Optional.ofNullable(epsilon),
          Optional.ofNullable(delta),
          Optional.ofNullable(withoutNoise).map(word -> allowed("privacy.withoutNoise", word)));
    }
  }

  /// Each `refuse`, or `allow`.
  record Share(@Nullable String partial, @Nullable String metrics, @Nullable String energy) {
    private Sharing sharing() {
      return new Sharing(
          allowed("share.partial", Objects.requireNonNullElse(partial, "refuse")),
          allowed("share.metrics", Objects.requireNonNullElse(metrics, "refuse")),
          allowed("share.energy", Objects.requireNonNullElse(energy, "refuse")));
    }
  }

  /// One rule; the first four are required.
  record Study(
      @Nullable String study,
      @JsonFormat(with = JsonFormat.Feature.ACCEPT_SINGLE_VALUE_AS_ARRAY)
          @Nullable List<String> purposes,
      @JsonFormat(with = JsonFormat.Feature.ACCEPT_SINGLE_VALUE_AS_ARRAY)
          @Nullable List<String> columns,
      @Nullable String approval,
      @Nullable List<String> kinds,
      @Nullable List<String> architectures,
      @Nullable Integer minCohort,
      @Nullable Integer minHonest,
      @Nullable Integer minHonestRecordLevel,
      @Nullable Integer nC,
      @Nullable Double epsilon) {

    private StudyRule rule(String at, SitePolicy siteWide) {
      var open = StudyRule.anything();
      String name = required(at, "study", study, "the study's name, or any");
      try {
        return new StudyRule(
            name.equals(ANY) ? Optional.empty() : Optional.of(name),
            choice(
                at + ".purposes",
                required(at, "purposes", purposes, "the purposes as plans state them, or any")),
            kinds == null ? siteWide.allowedKinds() : runKinds(at + ".kinds", kinds),
            architectures == null
                ? open.architectures()
                : models(at + ".architectures", architectures),
            choice(
                at + ".columns",
                required(at, "columns", columns, "the columns that may be used, or any")),
            floors(open.floors(), minCohort, minHonest, minHonestRecordLevel, nC),
            Optional.ofNullable(epsilon),
            officer(at, required(at, "approval", approval, "none, or required")));
      } catch (IllegalArgumentException e) {
        throw message(e).startsWith("key ")
            ? e
            : new IllegalArgumentException("key %s: %s".formatted(at, message(e)), e);
      }
    }

    private static boolean officer(String at, String word) {
      return switch (word) {
        case "required" -> true;
        case "none" -> false;
        default ->
            throw new IllegalArgumentException(
                "key %s.approval: %s is none of required, none".formatted(at, word));
      };
    }

    private static <T> T required(String at, String key, @Nullable T value, String remedy) {
      if (value == null) {
        throw new IllegalArgumentException(
            "key %s.%s is missing: write %s".formatted(at, key, remedy));
      }
      return value;
    }
  }

  /// The site's policy; without a file one that permits nothing.
  static SitePolicy read(Path file) {
    if (!Files.exists(file)) {
      return SitePolicy.silent();
    }
    try {
      return StrictYaml.read(file, PolicyFile.class).policy();
    } catch (IllegalArgumentException e) {
      throw new RefusedSettings("%s: %s".formatted(file, message(e)), e);
    }
  }

  /// A whole policy file: it permits every study, shares metrics, and explains every key.
  static String example() {
    try (var in = PolicyFile.class.getResourceAsStream(EXAMPLE)) {
      return new String(Objects.requireNonNull(in).readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException("the example policy cannot be read from this program", e);
    }
  }

  private SitePolicy policy() {
    var silent = SitePolicy.silent();
    var siteWide =
        new SitePolicy(
            allowedKinds == null ? silent.allowedKinds() : runKinds("allowedKinds", allowedKinds),
            architectures == null ? silent.architectures() : models("architectures", architectures),
            floors(silent.floors(), minCohort, minHonest, minHonestRecordLevel, nC),
            maxClipNorm == null ? silent.maxClipNorm() : maxClipNorm,
            privacy == null ? silent.privacy() : privacy.policy(),
            share == null ? silent.sharing() : share.sharing(),
            List.of());
    var rules = new ArrayList<StudyRule>();
    if (studies != null) {
      for (int i = 0; i < studies.size(); i++) {
        rules.add(studies.get(i).rule("studies[%d]".formatted(i), siteWide));
      }
    }
    return new SitePolicy(
        siteWide.allowedKinds(),
        siteWide.architectures(),
        siteWide.floors(),
        siteWide.maxClipNorm(),
        siteWide.privacy(),
        siteWide.sharing(),
        rules);
  }

  private static Floors floors(
      Floors silent,
      @Nullable Integer minCohort,
      @Nullable Integer minHonest,
      @Nullable Integer minHonestRecordLevel,
      @Nullable Integer nC) {
    Integer recordLevel = minHonestRecordLevel == null ? minHonest : minHonestRecordLevel;
    return new Floors(
        minCohort == null ? silent.minCohort() : minCohort,
        minHonest == null ? silent.minHonest() : minHonest,
        recordLevel == null ? silent.minHonestRecordLevel() : recordLevel,
        nC == null ? silent.nC() : nC);
  }

  private static Set<RunKind> runKinds(String key, List<String> names) {
    var kinds = EnumSet.noneOf(RunKind.class);
    for (String name : names) {
      try {
        kinds.add(RunKind.valueOf(name.toUpperCase(Locale.ROOT)));
      } catch (IllegalArgumentException e) {
        throw new IllegalArgumentException(
            "key %s: %s is none of train, evaluate, statistics, personalize".formatted(key, name),
            e);
      }
    }
    return kinds;
  }

  private static Choice models(String key, List<String> names) {
    for (String name : names) {
      if (!SitePolicy.FAMILIES.contains(name)) {
        whole(key, name);
      }
    }
    return choice(key, names);
  }

  private static void whole(String key, String name) {
    try {
      var _ = Architecture.parse(name);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "key %s: %s is neither a built-in family, %s, nor a whole model such as mlp(13,16,1)"
              .formatted(key, name, SitePolicy.FAMILIES.stream().sorted().toList()),
          e);
    }
  }

  private static Choice choice(String key, List<String> values) {
    if (values.equals(List.of(ANY))) {
      return new Choice.Any();
    }
    if (values.contains(ANY)) {
      throw new IllegalArgumentException(
          "key %s: any stands beside other values; write any alone, or the values".formatted(key));
    }
    try {
      return new Choice.Of(Set.copyOf(values));
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("key %s: %s".formatted(key, message(e)), e);
    }
  }

  private static boolean allowed(String key, String word) {
    return switch (word) {
      case "allow" -> true;
      case "refuse" -> false;
      default ->
          throw new IllegalArgumentException(
              "key %s: %s is none of allow, refuse".formatted(key, word));
    };
  }

  private static String message(Exception e) {
    return String.valueOf(e.getMessage());
  }
}
