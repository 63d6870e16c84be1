package dev.comity.agent.training;

import dev.comity.update.LocalUpdate;
import dev.comity.update.Metrics;

/// What a training gave: the raw material of a LocalUpdate. It stays on the site; `toString` tells
/// none of it.
public final class TrainingOutcome {
  private final float[] delta;
  private final double weight;
  private final long examples;
  private final Metrics base;
  private final boolean partial;

  TrainingOutcome(float[] delta, double weight, long examples, Metrics base, boolean partial) {
    this.delta = delta;
    this.weight = weight;
    this.examples = examples;
    this.base = base;
    this.partial = partial;
  }

  /// The first link of the only way out of the site.
  public LocalUpdate update() {
    return delta.length == 0 ? LocalUpdate.ofMetrics(base) : LocalUpdate.of(delta, weight, base);
  }

  /// Trained minus base parameters in float32, flat; a fresh copy. Empty if nothing was trained.
  public float[] delta() {
    return delta.clone();
  }

  /// How many examples were trained on; what the weighting weighs.
  public long examples() {
    return examples;
  }

  /// The base model on this site's test examples; with differential privacy of none.
  public Metrics base() {
    return base;
  }

  /// Whether time ended the training before its last step.
  public boolean partial() {
    return partial;
  }

  @Override
  public String toString() {
    return "TrainingOutcome[redacted]";
  }
}
