package dev.comity.plan;

/// How much a site trains in one round.
public sealed interface LocalWork {
  /// `n` ≥ 1 passes over the site's training examples.
  record Epochs(int n) implements LocalWork {
    public Epochs {
      if (n < 1) {
        throw new IllegalArgumentException("training.epochs must be >= 1, was " + n);
      }
    }
  }

  /// `n` ≥ 1 batches; the order of examples carries over from round to round.
  record Batches(int n) implements LocalWork {
    public Batches {
      if (n < 1) {
        throw new IllegalArgumentException("training.batches must be >= 1, was " + n);
      }
    }
  }

  /// `n` ≥ 1 steps, each on a sample in which every example is with probability `samplingRate` in
  /// (0, 1], independently of all others: the sampling that record-level differential privacy
  /// counts on. The sum of the clipped and noised gradients is divided by the plan's `batchSize`,
  /// not by the size of the sample, which would tell of the data.
  record PoissonSteps(int n, double samplingRate) implements LocalWork {
    public PoissonSteps {
      if (n < 1) {
        throw new IllegalArgumentException("training.steps must be >= 1, was " + n);
      }
      if (!(samplingRate > 0 && samplingRate <= 1)) {
        throw new IllegalArgumentException(
            "training.samplingRate must be in (0, 1], was " + samplingRate);
      }
    }
  }
}
