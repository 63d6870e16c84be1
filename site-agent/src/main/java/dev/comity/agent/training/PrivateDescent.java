package dev.comity.agent.training;

import dev.comity.plan.LocalWork;
import dev.comity.plan.Noise;
import dev.comity.update.TrainingKey;

/// Descent with record-level differential privacy (DP-SGD; Abadi et al. 2016, algorithm 1): each
/// step takes a Poisson sample, adds up its clipped gradients, adds noise to the sum, divides by
/// the plan's batch size, which is public, and hands the result to the optimizer as the gradient. A
/// step whose sample is empty is a step like any other.
///
/// Sample and noise are functions of key and step. The noise is drawn before the examples are
/// looked at. Confined to the model's thread.
final class PrivateDescent {
  /// Rows of a micro-batch at most. A plan's batch size below is taken instead, so that the shape
  /// of the work depends on the plan alone.
  static final int MICRO_BATCH = 64;

  private final LocalDescent descent;
  private final Examples examples;
  private final PerExampleGradients gradients;
  private final PoissonSample sample;
  private final GaussianNoise noise;
  private final int batchSize;
  private final double[] noises;

  PrivateDescent(
      LocalDescent descent,
      Examples examples,
      PerExampleGradients gradients,
      LocalWork.PoissonSteps work,
      Noise.RecordLevel privacy,
      int batchSize,
      TrainingKey key,
      int parameters) {
    var data = examples.digest();
    this.descent = descent;
    this.examples = examples;
    this.gradients = gradients;
    this.sample =
        new PoissonSample(key.branch("sample", data), examples.count(), work.samplingRate());
    this.noise =
        new GaussianNoise(
            key.branch("noise", data), privacy.noiseMultiplier() * privacy.exampleClip());
    this.batchSize = batchSize;
    this.noises = new double[parameters];
  }

  /// Step `step`, from 0.
  void step(long step) {
    noise.draw(step, noises);
    var sum = new double[noises.length];
    gradients.addClipped(examples, sample.rows(step), sum);
    var gradient = new float[sum.length];
    for (int i = 0; i < sum.length; i++) {
      gradient[i] = (float) (noise.add(sum[i], noises[i]) / batchSize);
    }
    descent.step(gradient);
  }
}
