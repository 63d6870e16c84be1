package dev.comity.run.web;

import dev.comity.accounting.Calibration;
import dev.comity.accounting.PrivacyBudget;
import dev.comity.plan.LocalWork;
import dev.comity.plan.Noise;
import dev.comity.plan.Quorum;
import org.jspecify.annotations.Nullable;

/// The field `privacy` of a submission. What the kind decides is known at once; the noise follows
/// when quorum and work are read. Who states ε instead of a noise multiplier gets the least noise
/// that all planned rounds together need for it.
final class PrivacyReading {
  private static final int LEAST_HONEST = 3;
  private static final int LEAST_HONEST_OF_RECORDS = 2;

  private final JsonFields top;
  private final Kind kind;
  private final @Nullable Double noiseMultiplier;
  private final @Nullable Double epsilon;
  private final @Nullable Double exampleClip;
  private final @Nullable Double delta;

  private enum Kind {
    NONE,
    RECORD_LEVEL,
    DISTRIBUTED,
    UNKNOWN
  }

  PrivacyReading(JsonFields top) {
    this.top = top;
    var fields = top.object("privacy", false);
    this.kind = top.has("privacy") ? kind(fields) : Kind.NONE;
    boolean any = kind == Kind.RECORD_LEVEL || kind == Kind.DISTRIBUTED;
    boolean byNoise = any && fields.has("noiseMultiplier");
    boolean byEpsilon = any && fields.has("epsilon");
    if (any && byNoise == byEpsilon) {
      fields.fault(
          byNoise ? "epsilon" : "noiseMultiplier",
          "exactly one of noiseMultiplier and epsilon is required: the noise itself, or what all rounds together may cost");
    }
    this.noiseMultiplier = byNoise && !byEpsilon ? fields.real("noiseMultiplier") : null;
    this.epsilon = byEpsilon && !byNoise ? fields.real("epsilon") : null;
    this.delta = any ? fields.real("delta") : null;
    this.exampleClip = kind == Kind.RECORD_LEVEL ? fields.real("exampleClip") : null;
    if (kind == Kind.DISTRIBUTED && fields.has("exampleClip")) {
      fields.fault(
          "exampleClip",
          "belongs to record-level; clipNorm bounds what distributed noise protects; remove it");
    }
    if (kind != Kind.UNKNOWN) {
      fields.end();
    }
  }

  private static Kind kind(JsonFields fields) {
    return switch (fields.text("kind", 40)) {
      case "none" -> Kind.NONE;
      case "record-level" -> Kind.RECORD_LEVEL;
      case "distributed" -> Kind.DISTRIBUTED;
      case null -> Kind.UNKNOWN;
      default -> {
        fields.fault("kind", "must be none, record-level or distributed");
        yield Kind.UNKNOWN;
      }
    };
  }

  boolean recordLevel() {
    return kind == Kind.RECORD_LEVEL;
  }

  /// Whether the kind is not known, which is a fault already.
  boolean faulty() {
    return kind == Kind.UNKNOWN;
  }

  boolean isPrivate() {
    return kind == Kind.RECORD_LEVEL || kind == Kind.DISTRIBUTED;
  }

  /// The ε that was asked for at the noise's δ; null where the noise itself was.
  @Nullable Double epsilon() {
    return epsilon;
  }

  /// How few honest sites a sum may have: two do where what they learn of each other is private.
  int leastHonest() {
    return recordLevel() || faulty() ? LEAST_HONEST_OF_RECORDS : LEAST_HONEST;
  }

  /// Null after a fault, which may be one of the arguments.
  @Nullable Noise noise(
      int minReady, int nC, int minHonest, @Nullable LocalWork work, @Nullable Long rounds) {
    return switch (kind) {
      case NONE -> new Noise.None();
      case RECORD_LEVEL -> recordLevel(work, rounds);
      case DISTRIBUTED -> distributed(minReady, nC, minHonest, rounds);
      case UNKNOWN -> null;
    };
  }

  private @Nullable Noise recordLevel(@Nullable LocalWork work, @Nullable Long rounds) {
    var multiplier =
        work instanceof LocalWork.PoissonSteps(int steps, double samplingRate)
            ? multiplier(
                rounds,
                (budget, times) -> Calibration.noiseMultiplier(budget, samplingRate, steps * times))
            : noiseMultiplier;
    return multiplier == null || exampleClip == null || delta == null
        ? null
        : top.<Noise>checked(
            "privacy", () -> new Noise.RecordLevel(multiplier, exampleClip, delta));
  }

  /// A quorum that cannot be is told elsewhere.
  private @Nullable Noise distributed(int minReady, int nC, int minHonest, @Nullable Long rounds) {
    int contributors = new Quorum(minReady, nC, minHonest).minSurvivors() - Math.max(nC, 1);
    var multiplier =
        multiplier(
            rounds, (budget, times) -> Calibration.sumNoiseMultiplier(budget, contributors, times));
    return multiplier == null || delta == null
        ? null
        : top.<Noise>checked(
            "privacy", () -> new Noise.Distributed(multiplier, contributors, delta));
  }

  private interface Search {
    double multiplier(PrivacyBudget budget, long rounds);
  }

  /// What was stated, or what `search` finds for the stated ε.
  private @Nullable Double multiplier(@Nullable Long rounds, Search search) {
    if (epsilon == null || delta == null || rounds == null) {
      return noiseMultiplier;
    }
    var budget = top.checked("privacy", () -> new PrivacyBudget(epsilon, delta));
    return budget == null
        ? null
        : top.checked("privacy/epsilon", () -> search.multiplier(budget, rounds));
  }
}
