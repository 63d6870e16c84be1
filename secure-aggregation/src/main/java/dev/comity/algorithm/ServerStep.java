package dev.comity.algorithm;

/// What the aggregator, and every site after it, does with the mean update Δ. `ServerOptimizer`
/// defines the arithmetic to the bit. The adaptive steps are those of Reddi et al. 2021, algorithm
/// 2, with m and v zero at version 0 and no bias correction.
public sealed interface ServerStep {
  /// Above 0.
  double learningRate();

  /// `w ← w + lr·Δ`; with lr 1 plain federated averaging.
  record Average(double learningRate) implements ServerStep {
    public Average {
      Ranges.requireAbove("Average learningRate", learningRate, 0);
    }
  }

  /// `m ← momentum·m + Δ; w ← w + lr·m`; Hsu et al. 2019. `momentum` in [0, 1).
  record Momentum(double learningRate, double momentum) implements ServerStep {
    public Momentum {
      Ranges.requireAbove("Momentum learningRate", learningRate, 0);
      Ranges.requireFraction("Momentum momentum", momentum);
    }
  }

  /// `m ← β₁m + (1−β₁)Δ; v ← β₂v + (1−β₂)Δ²; w ← w + lr·m/(√v + τ)`. β in [0, 1), τ > 0.
  record Adam(double learningRate, double beta1, double beta2, double tau) implements ServerStep {
    public Adam {
      Ranges.requireAbove("Adam learningRate", learningRate, 0);
      Ranges.requireFraction("Adam beta1", beta1);
      Ranges.requireFraction("Adam beta2", beta2);
      Ranges.requireAbove("Adam tau", tau, 0);
    }
  }

  /// As `Adam`, with `v ← v − (1−β₂)Δ²·sign(v − Δ²)`.
  record Yogi(double learningRate, double beta1, double beta2, double tau) implements ServerStep {
    public Yogi {
      Ranges.requireAbove("Yogi learningRate", learningRate, 0);
      Ranges.requireFraction("Yogi beta1", beta1);
      Ranges.requireFraction("Yogi beta2", beta2);
      Ranges.requireAbove("Yogi tau", tau, 0);
    }
  }

  /// As `Adam`, with `v ← v + Δ²`.
  record Adagrad(double learningRate, double beta1, double tau) implements ServerStep {
    public Adagrad {
      Ranges.requireAbove("Adagrad learningRate", learningRate, 0);
      Ranges.requireFraction("Adagrad beta1", beta1);
      Ranges.requireAbove("Adagrad tau", tau, 0);
    }
  }
}
