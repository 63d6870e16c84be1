package dev.comity.agent.policy;

import dev.comity.plan.RoundPlan;
import dev.comity.plan.RunKind;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/// What a site takes part in. It can only narrow what the consortium allows.
///
/// @param allowedKinds kinds of run that the site serves
/// @param families families of built-in models that the site trains
/// @param minHonestFloor the least number of honest sites in a sum, ≥ 3
/// @param nCFloor the least number of colluding sites that a plan must withstand, ≥ 0
/// @param maxClipNorm the largest L2 bound of an update that the site encodes; infinite for none
/// @param privacy what the site's data may cost in privacy
public record SitePolicy(
    Set<RunKind> allowedKinds,
    Set<String> families,
    int minHonestFloor,
    int nCFloor,
    double maxClipNorm,
    PrivacyPolicy privacy) {
  /// Nothing less keeps a contributor from reading another one out of the sum.
  public static final int LEAST_MIN_HONEST = 3;

  public SitePolicy {
    allowedKinds = Set.copyOf(allowedKinds);
    families = Set.copyOf(families);
    if (minHonestFloor < LEAST_MIN_HONEST) {
      throw new IllegalArgumentException(
          "minHonest %d: must be >= %d".formatted(minHonestFloor, LEAST_MIN_HONEST));
    }
    if (nCFloor < 0) {
      throw new IllegalArgumentException("nC %d: must be >= 0".formatted(nCFloor));
    }
    if (!(maxClipNorm > 0)) {
      throw new IllegalArgumentException("maxClipNorm %s: must be > 0".formatted(maxClipNorm));
    }
  }

  /// Training and evaluation of the built-in models, no sum with fewer than three honest sites, one
  /// colluding site withstood, any clip norm, the usual privacy budget.
  public static SitePolicy defaults() {
    return new SitePolicy(
        Set.of(RunKind.TRAIN, RunKind.EVALUATE),
        Set.of("logistic-regression", "mlp"),
        LEAST_MIN_HONEST,
        1,
        Double.POSITIVE_INFINITY,
        PrivacyPolicy.defaults());
  }

  /// The site's word on a plan.
  public sealed interface Decision {
    /// The site takes part.
    record Permitted() implements Decision {}

    /// The site does not take part, and says every reason.
    record Refused(List<String> reasons) implements Decision {
      public Refused {
        reasons = List.copyOf(reasons);
        if (reasons.isEmpty()) {
          throw new IllegalArgumentException("a refusal needs a reason");
        }
      }
    }
  }

  /// Decides on `plan` alone, without looking at any data.
  public Decision decide(RoundPlan plan) {
    var reasons = new ArrayList<String>();
    var terms = plan.terms();
    if (!allowedKinds.contains(terms.kind())) {
      reasons.add(
          "kind %s: this site serves %s; its policy sets allowedKinds"
              .formatted(terms.kind(), allowedKinds.stream().sorted().toList()));
    }
    if (!families.contains(terms.architecture().family())) {
      reasons.add(
          "architecture %s: this site trains %s; its policy sets architectures"
              .formatted(terms.architecture(), families.stream().sorted().toList()));
    }
    if (plan.minHonest() < minHonestFloor) {
      reasons.add(
          "minHonest %d: this site demands >= %d; its policy sets minHonest"
              .formatted(plan.minHonest(), minHonestFloor));
    }
    if (plan.nC() < nCFloor) {
      reasons.add(
          "nC %d: this site demands >= %d; its policy sets nC".formatted(plan.nC(), nCFloor));
    }
    if (terms.clipNorm() > maxClipNorm) {
      reasons.add(
          "clipNorm %s: this site allows <= %s; its policy sets maxClipNorm"
              .formatted(terms.clipNorm(), maxClipNorm));
    }
    if (!terms.noise().isPrivate() && !privacy.withoutNoise()) {
      reasons.add(
          "privacy: this site takes part with differential privacy only; its policy sets privacy.withoutNoise");
    }
    return reasons.isEmpty() ? new Decision.Permitted() : new Decision.Refused(reasons);
  }
}
