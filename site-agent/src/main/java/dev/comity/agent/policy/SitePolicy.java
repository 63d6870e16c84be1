package dev.comity.agent.policy;

import dev.comity.accounting.PrivacyBudget;
import dev.comity.plan.Architecture;
import dev.comity.plan.Noise;
import dev.comity.plan.RoundPlan;
import dev.comity.plan.RunKind;
import dev.comity.plan.VectorLayout;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// What a site takes part in. It can only narrow what the consortium allows. A study that no rule
/// names is refused: silence permits nothing.
///
/// A plan says study and purpose, and not who submitted the run: who may submit is the aggregator's
/// word, which a site cannot check.
///
/// @param allowedKinds kinds of run that the site serves
/// @param architectures families of built-in models that the site trains
/// @param floors the least numbers of every plan
/// @param maxClipNorm the largest L2 bound of an update that the site encodes; infinite for none
/// @param privacy what the site's data may cost in privacy
/// @param sharing what the site gives beside its update
/// @param studies what each study may do
public record SitePolicy(
    Set<RunKind> allowedKinds,
    Choice architectures,
    Floors floors,
    double maxClipNorm,
    PrivacyPolicy privacy,
    Sharing sharing,
    List<StudyRule> studies) {

  /// The families that a site can train.
  public static final Set<String> FAMILIES =
      Set.of(Architecture.LOGISTIC_REGRESSION, Architecture.MLP);

  public SitePolicy {
    allowedKinds = Set.copyOf(allowedKinds);
    studies = List.copyOf(studies);
    if (!(maxClipNorm > 0)) {
      throw new IllegalArgumentException("maxClipNorm %s: must be > 0".formatted(maxClipNorm));
    }
    var named = new HashSet<Optional<String>>();
    for (StudyRule rule : studies) {
      if (!named.add(rule.study())) {
        throw new IllegalArgumentException(
            "key studies: %s has two rules; one study has one"
                .formatted(rule.study().orElse("any")));
      }
    }
  }

  /// The policy of a site without a policy file: it takes part in nothing.
  public static SitePolicy silent() {
    return new SitePolicy(
        Set.of(RunKind.TRAIN, RunKind.EVALUATE),
        new Choice.Of(FAMILIES),
        Floors.usual(),
        Double.POSITIVE_INFINITY,
        PrivacyPolicy.defaults(),
        Sharing.nothing(),
        List.of());
  }

  /// The rule of `study`, that of any other study if no rule names it.
  public Optional<StudyRule> rule(String study) {
    return studies.stream()
        .filter(rule -> rule.study().equals(Optional.of(study)))
        .findFirst()
        .or(() -> studies.stream().filter(rule -> rule.study().isEmpty()).findFirst());
  }

  /// What `study` may cost; empty when the lifetime's budget alone bounds it.
  public Optional<PrivacyBudget> budget(String study) {
    return rule(study)
        .flatMap(StudyRule::epsilon)
        .map(epsilon -> new PrivacyBudget(epsilon, privacy.budget().delta()));
  }

  /// Decides on `plan` alone, without looking at any data.
  ///
  /// @param columns of the site's own tables that the plan's features and label are built from
  public Verdict decide(RoundPlan plan, Set<String> columns) {
    var findings = new ArrayList<Finding>();
    String study = plan.terms().study();
    Optional<StudyRule> found = rule(study);
    if (found.isEmpty()) {
      findings.add(
          Finding.fails(
              "studies",
              studies.isEmpty()
                  ? "study %s: this site's policy says nothing of studies, and silence refuses; add a rule under studies (site-agent policy example prints a whole file)"
                      .formatted(study)
                  : "study %s: no rule under studies names it; add one".formatted(study),
              "study %s: this site's policy does not name it; its operator may add it under studies"
                  .formatted(study)));
    }
    StudyRule rule = found.orElse(StudyRule.anything());
    found.ifPresent(own -> {
      findings.add(
          Finding.holds(
              "studies",
              "study %s: falls under the rule of study %s"
                  .formatted(study, own.study().orElse("any"))));
      findings.add(purpose(plan, own));
    });
    findings.add(kind(plan, rule));
    findings.add(architecture(plan, rule));
    found.ifPresent(own -> findings.add(columns(study, columns, own)));
    findings.addAll(numbers(plan, floors.and(rule.floors())));
    findings.add(withoutNoise(plan, rule));
    findings.addAll(shared(plan));
    return new Verdict(findings, rule.officer());
  }

  private static Finding purpose(RoundPlan plan, StudyRule rule) {
    String purpose = plan.terms().purpose();
    return rule.purposes().permits(purpose)
        ? Finding.holds("studies.purposes", "purpose \"%s\" is permitted".formatted(purpose))
        : Finding.fails(
            "studies.purposes",
            "purpose \"%s\": study %s is permitted for %s; its rule sets purposes"
                .formatted(purpose, plan.terms().study(), rule.purposes()),
            "purpose: this site permits study %s for other purposes; its policy sets studies.purposes"
                .formatted(plan.terms().study()));
  }

  private Finding kind(RoundPlan plan, StudyRule rule) {
    RunKind kind = plan.terms().kind();
    if (!allowedKinds.contains(kind)) {
      return Finding.fails(
          "allowedKinds",
          "kind %s: this site serves %s; its policy sets allowedKinds"
              .formatted(kind, allowedKinds.stream().sorted().toList()));
    }
    return rule.kinds().contains(kind)
        ? Finding.holds("allowedKinds", "kind %s is served".formatted(kind))
        : Finding.fails(
            "studies.kinds",
            "kind %s: this site serves %s in study %s; its policy sets studies.kinds"
                .formatted(kind, rule.kinds().stream().sorted().toList(), plan.terms().study()));
  }

  private Finding architecture(RoundPlan plan, StudyRule rule) {
    Architecture architecture = plan.terms().architecture();
    if (!permits(architectures, architecture)) {
      return Finding.fails(
          "architectures",
          "architecture %s: this site trains %s; its policy sets architectures"
              .formatted(architecture, architectures));
    }
    return permits(rule.architectures(), architecture)
        ? Finding.holds("architectures", "architecture %s is trained".formatted(architecture))
        : Finding.fails(
            "studies.architectures",
            "architecture %s: this site trains %s in study %s; its policy sets studies.architectures"
                .formatted(architecture, rule.architectures(), plan.terms().study()));
  }

  private static boolean permits(Choice choice, Architecture architecture) {
    return choice.permits(architecture.family()) || choice.permits(architecture.toString());
  }

  /// The names of a site's columns are its own.
  private static Finding columns(String study, Set<String> columns, StudyRule rule) {
    List<String> withheld =
        columns.stream().filter(column -> !rule.columns().permits(column)).sorted().toList();
    return withheld.isEmpty()
        ? Finding.holds(
            "studies.columns",
            "columns %s may be used".formatted(columns.stream().sorted().toList()))
        : Finding.fails(
            "studies.columns",
            "columns %s: study %s may use %s; its rule sets columns"
                .formatted(withheld, study, rule.columns()),
            "columns: this site's policy does not let study %s use all that its features and label are built from; its policy sets studies.columns"
                .formatted(study));
  }

  private List<Finding> numbers(RoundPlan plan, Floors least) {
    boolean recordLevel =
        switch (plan.terms().noise()) {
          case Noise.RecordLevel _ -> true;
          case Noise.None _, Noise.Distributed _ -> false;
        };
    double clipNorm = plan.terms().clipNorm();
    return List.of(
        atLeast("minCohort", "cohort", plan.cohort().size(), least.minCohort()),
        recordLevel
            ? atLeast(
                "minHonestRecordLevel", "minHonest", plan.minHonest(), least.minHonestRecordLevel())
            : atLeast("minHonest", "minHonest", plan.minHonest(), least.minHonest()),
        atLeast("nC", "nC", plan.nC(), least.nC()),
        clipNorm > maxClipNorm
            ? Finding.fails(
                "maxClipNorm",
                "clipNorm %s: this site allows <= %s; its policy sets maxClipNorm"
                    .formatted(clipNorm, maxClipNorm))
            : Finding.holds(
                "maxClipNorm",
                Double.isFinite(maxClipNorm)
                    ? "clipNorm %s: <= %s".formatted(clipNorm, maxClipNorm)
                    : "clipNorm %s: no bound is set".formatted(clipNorm)));
  }

  private static Finding atLeast(String key, String what, int value, int least) {
    return value < least
        ? Finding.fails(
            key,
            "%s %d: this site demands >= %d; its policy sets %s".formatted(what, value, least, key))
        : Finding.holds(key, "%s %d: >= %d".formatted(what, value, least));
  }

  private Finding withoutNoise(RoundPlan plan, StudyRule rule) {
    if (plan.terms().noise().isPrivate()) {
      return Finding.holds("privacy.withoutNoise", "the round is under differential privacy");
    }
    if (rule.epsilon().isPresent()) {
      return Finding.fails(
          "studies.epsilon",
          "privacy: this site takes part in study %s with differential privacy only; its policy sets studies.epsilon"
              .formatted(plan.terms().study()));
    }
    return privacy.withoutNoise()
        ? Finding.holds(
            "privacy.withoutNoise", "the round has no differential privacy, which is allowed")
        : Finding.fails(
            "privacy.withoutNoise",
            "privacy: this site takes part with differential privacy only; its policy sets privacy.withoutNoise");
  }

  /// A vector has the blocks that its plan names, so what a site does not share is a plan that it
  /// refuses. Partial work is the site's own choice in any plan.
  private List<Finding> shared(RoundPlan plan) {
    var layout = plan.terms().vector();
    var findings = new ArrayList<Finding>();
    for (VectorLayout.Kind kind : VectorLayout.Kind.values()) {
      if (layout.block(kind).length() > 0) {
        switch (kind) {
          case METRICS_LOSS -> findings.add(shared("metrics", sharing.metrics()));
          case ENERGY -> findings.add(shared("energy", sharing.energy()));
          case UPDATE, WEIGHT, COUNT, ZEROS, NORMALISATION, METRICS_COUNTS -> {}
        }
      }
    }
    return findings;
  }

  private static Finding shared(String what, boolean allowed) {
    String key = "share." + what;
    return allowed
        ? Finding.holds(key, "the vector carries %s, which this site shares".formatted(what))
        : Finding.fails(
            key,
            "%s: the plan's vector carries %s, which this site does not share; its policy sets %s"
                .formatted(what, what, key));
  }
}
