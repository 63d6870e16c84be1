package dev.comity.agent.training;

import dev.comity.plan.Noise;
import dev.comity.plan.SiteId;
import dev.comity.plan.UpdateTerms;
import dev.comity.update.TrainingKey;
import java.time.Instant;
import java.util.Optional;

/// Terms, the site they are for, the base model's parameters flat in the order of the terms'
/// parameter layout, and for record-level differential privacy the key of its samples and noise.
public final class TrainingRequest {
  private final UpdateTerms terms;
  private final SiteId site;
  private final float[] base;
  private final Optional<TrainingKey> key;
  private final Optional<Instant> until;

  /// Without a key.
  ///
  /// @throws IllegalArgumentException also when the terms ask for record-level differential privacy
  public TrainingRequest(UpdateTerms terms, SiteId site, float[] base) {
    this(terms, site, base, Optional.empty(), Optional.empty());
  }

  /// Copies `base`, which has one float32 per parameter of the terms' architecture.
  public TrainingRequest(UpdateTerms terms, SiteId site, float[] base, TrainingKey key) {
    this(terms, site, base, Optional.of(key), Optional.empty());
  }

  private TrainingRequest(
      UpdateTerms terms,
      SiteId site,
      float[] base,
      Optional<TrainingKey> key,
      Optional<Instant> until) {
    if (key.isEmpty() && terms.noise() instanceof Noise.RecordLevel) {
      throw new IllegalArgumentException(
          "run %s: record-level differential privacy needs the update's training key"
              .formatted(terms.run()));
    }
    if (base.length != terms.parameters().size()) {
      throw new IllegalArgumentException(
          "the base model has %d parameters, %s has %d"
              .formatted(base.length, terms.architecture(), terms.parameters().size()));
    }
    this.terms = terms;
    this.site = site;
    this.base = base.clone();
    this.key = key;
    this.until = until;
  }

  /// This request for as much of the work as is done at `until`, at least one step: FedProx's
  /// variable local work (Li et al. 2020, section 3.2).
  ///
  /// @throws IllegalArgumentException when the terms do not allow partial work
  public TrainingRequest until(Instant until) {
    if (!terms.partialAllowed()) {
      throw new IllegalArgumentException(
          "run %s: its terms do not allow partial work".formatted(terms.run()));
    }
    return new TrainingRequest(terms, site, base, key, Optional.of(until));
  }

  public UpdateTerms terms() {
    return terms;
  }

  public SiteId site() {
    return site;
  }

  /// A fresh copy.
  public float[] base() {
    return base.clone();
  }

  /// Present when the terms ask for record-level differential privacy.
  Optional<TrainingKey> key() {
    return key;
  }

  /// When the training ends with what it has.
  Optional<Instant> until() {
    return until;
  }

  @Override
  public String toString() {
    return "TrainingRequest[%s, run %s]".formatted(site, terms.run());
  }
}
