package dev.comity.agent.training;

import dev.comity.algorithm.LocalObjective;
import dev.comity.plan.LocalTraining;

/// Stochastic gradient descent on a [TorchModel], one batch a step, in float32 without fused
/// operations. With g the mean gradient of the batch:
///
/// ```
/// g ← g + weightDecay·w + μ·(w − w₀)        (μ only for FedProx; Li et al. 2020, eq. 2)
/// v ← momentum·v + g
/// w ← w − learningRate·v
/// ```
///
/// Confined to the model's thread.
final class LocalDescent {
  private final TorchModel model;
  private final Examples examples;
  private final float learningRate;
  private final float momentum;
  private final float weightDecay;
  private final float proximal;
  private final float[] anchor;
  private final float[] velocity;

  /// Sets the model to `start`.
  ///
  /// @param anchor w₀, the base model
  LocalDescent(
      TorchModel model,
      Examples examples,
      LocalTraining training,
      LocalObjective objective,
      float[] anchor,
      Checkpoint start) {
    this.model = model;
    this.examples = examples;
    this.learningRate = (float) training.learningRate();
    this.momentum = (float) training.momentum();
    this.weightDecay = (float) training.weightDecay();
    this.proximal =
        switch (objective) {
          case LocalObjective.Plain _ -> 0;
          case LocalObjective.Proximal(double mu) -> (float) mu;
        };
    this.anchor = anchor;
    this.velocity = start.velocity();
    model.values().put(0, start.weights());
  }

  /// One step on the examples in `rows`.
  ///
  /// @throws TrainingRefusedException if the loss is not finite
  void step(int[] rows) {
    if (!Float.isFinite(model.backward(examples, rows))) {
      throw TrainingRefusedException.diverged();
    }
    model.update(this::next);
  }

  /// One step with this as the mean gradient, flat in the order of the parameters.
  void step(float[] gradient) {
    var values = model.values();
    for (int i = 0; i < gradient.length; i++) {
      values.put(i, next(i, values.get(i), gradient[i]));
    }
  }

  /// The state after `steps` steps.
  ///
  /// @throws TrainingRefusedException if a weight is not finite
  Checkpoint state(long steps) {
    var weights = new float[anchor.length];
    model.values().get(0, weights);
    for (float weight : weights) {
      if (!Float.isFinite(weight)) {
        throw TrainingRefusedException.diverged();
      }
    }
    return new Checkpoint(steps, weights, velocity);
  }

  private float next(int index, float weight, float gradient) {
    float direction = gradient + weightDecay * weight + proximal * (weight - anchor[index]);
    velocity[index] = momentum * velocity[index] + direction;
    return weight - learningRate * velocity[index];
  }
}
