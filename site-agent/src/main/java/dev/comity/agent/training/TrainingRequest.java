package dev.comity.agent.training;

import dev.comity.plan.SiteId;
import dev.comity.plan.UpdateTerms;

/// Terms, the site they are for, and the base model's parameters flat in the order of the terms'
/// parameter layout.
public final class TrainingRequest {
  private final UpdateTerms terms;
  private final SiteId site;
  private final float[] base;

  /// Copies `base`, which has one float32 per parameter of the terms' architecture.
  public TrainingRequest(UpdateTerms terms, SiteId site, float[] base) {
    if (base.length != terms.parameters().size()) {
      throw new IllegalArgumentException(
          "the base model has %d parameters, %s has %d"
              .formatted(base.length, terms.architecture(), terms.parameters().size()));
    }
    this.terms = terms;
    this.site = site;
    this.base = base.clone();
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

  @Override
  public String toString() {
    return "TrainingRequest[%s, run %s]".formatted(site, terms.run());
  }
}
