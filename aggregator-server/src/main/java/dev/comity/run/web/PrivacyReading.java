package dev.comity.run.web;

import dev.comity.plan.Noise;
import dev.comity.plan.Quorum;
import org.jspecify.annotations.Nullable;

/// The field `privacy` of a submission. What the kind decides is known at once; the noise follows
/// when the quorum is read.
final class PrivacyReading {
  private static final int LEAST_HONEST = 3;
  private static final int LEAST_HONEST_OF_RECORDS = 2;

  private final JsonFields top;
  private final Kind kind;
  private final @Nullable Double noiseMultiplier;
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
    this.noiseMultiplier = any ? fields.real("noiseMultiplier") : null;
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

  /// How few honest sites a sum may have: two do where what they learn of each other is private.
  int leastHonest() {
    return recordLevel() || faulty() ? LEAST_HONEST_OF_RECORDS : LEAST_HONEST;
  }

  /// Null after a fault.
  @Nullable Noise noise(int minReady, int nC, int minHonest) {
    return switch (kind) {
      case NONE -> new Noise.None();
      case RECORD_LEVEL ->
          noiseMultiplier == null || exampleClip == null || delta == null
              ? null
              : top.<Noise>checked(
                  "privacy", () -> new Noise.RecordLevel(noiseMultiplier, exampleClip, delta));
      case DISTRIBUTED -> distributed(minReady, nC, minHonest);
      case UNKNOWN -> null;
    };
  }

  /// A quorum that cannot be is told elsewhere.
  private @Nullable Noise distributed(int minReady, int nC, int minHonest) {
    int contributors = new Quorum(minReady, nC, minHonest).minSurvivors() - Math.max(nC, 1);
    return noiseMultiplier == null || delta == null
        ? null
        : top.<Noise>checked(
            "privacy", () -> new Noise.Distributed(noiseMultiplier, contributors, delta));
  }
}
