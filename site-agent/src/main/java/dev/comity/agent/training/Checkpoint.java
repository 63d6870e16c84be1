package dev.comity.agent.training;

/// The whole state of a local training after some steps: everything else follows from the terms and
/// the examples.
final class Checkpoint {
  private final long steps;
  private final float[] weights;
  private final float[] velocity;

  Checkpoint(long steps, float[] weights, float[] velocity) {
    this.steps = steps;
    this.weights = weights.clone();
    this.velocity = velocity.clone();
  }

  /// Before the first step from `base`.
  static Checkpoint start(float[] base) {
    return new Checkpoint(0, base, new float[base.length]);
  }

  long steps() {
    return steps;
  }

  float[] weights() {
    return weights.clone();
  }

  float[] velocity() {
    return velocity.clone();
  }
}
