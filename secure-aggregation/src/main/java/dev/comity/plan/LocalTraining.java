package dev.comity.plan;

/// A site's stochastic gradient descent. `batchSize` ≥ 1, `learningRate` > 0, `momentum` in [0, 1),
/// `weightDecay` ≥ 0.
public record LocalTraining(
    Loss loss,
    int batchSize,
    LocalWork work,
    double learningRate,
    double momentum,
    double weightDecay) {
  public LocalTraining {
    if (batchSize < 1) {
      throw new IllegalArgumentException("training.batchSize must be >= 1, was " + batchSize);
    }
    if (!(learningRate > 0 && Double.isFinite(learningRate))) {
      throw new IllegalArgumentException(
          "training.learningRate must be > 0 and finite, was " + learningRate);
    }
    if (!(momentum >= 0 && momentum < 1)) {
      throw new IllegalArgumentException("training.momentum must be in [0, 1), was " + momentum);
    }
    if (!(weightDecay >= 0 && Double.isFinite(weightDecay))) {
      throw new IllegalArgumentException(
          "training.weightDecay must be >= 0 and finite, was " + weightDecay);
    }
  }
}
