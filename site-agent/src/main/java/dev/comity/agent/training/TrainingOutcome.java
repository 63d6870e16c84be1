package dev.comity.agent.training;

/// What a training gave: the raw material of a LocalUpdate. It stays on the site; `toString` tells
/// none of it.
public final class TrainingOutcome {
  private final float[] delta;
  private final long examples;
  private final Evaluation base;

  TrainingOutcome(float[] delta, long examples, Evaluation base) {
    this.delta = delta;
    this.examples = examples;
    this.base = base;
  }

  /// Trained minus base parameters in float32, flat; a fresh copy. Empty if nothing was trained.
  public float[] delta() {
    return delta.clone();
  }

  /// How many examples were trained on; what the weighting weighs.
  public long examples() {
    return examples;
  }

  /// The base model on this site's test examples.
  public Evaluation base() {
    return base;
  }

  @Override
  public String toString() {
    return "TrainingOutcome[redacted]";
  }
}
