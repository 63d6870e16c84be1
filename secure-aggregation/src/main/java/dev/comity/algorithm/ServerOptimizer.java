package dev.comity.algorithm;

/// The server's step, which every site redoes: the result is the same bits on every machine.
///
/// All arrays are flat float32 of equal length. Settings are rounded to float32 once, `1 − β` after
/// it was formed in double; then each element is computed on its own, each operation below rounded
/// to float32 in the order of the parentheses, without fused multiply-add. The square root of a
/// float32 taken in double and rounded is the correctly rounded float32 root.
///
/// - Average: `w = w + (lr·Δ)`
/// - Momentum: `m = (β·m) + Δ`, `w = w + (lr·m)`
/// - Adam, Yogi, Adagrad: `m = (β₁·m) + ((1−β₁)·Δ)`, `q = Δ·Δ`, then v, then `w = w + ((lr·m) / (√v
///   + τ))` with
///   - Adam: `v = (β₂·v) + ((1−β₂)·q)`
///   - Yogi: `v = v − (((1−β₂)·q) · sign(v − q))`
///   - Adagrad: `v = v + q`
public final class ServerOptimizer {
  private ServerOptimizer() {}

  /// Changes `weights` and, as the step needs them, `m` and `v` in place. Fails with
  /// IllegalArgumentException when the lengths differ; nothing is changed then.
  public static void apply(
      ServerStep step, float[] weights, float[] m, float[] v, float[] meanUpdate) {
    requireLength("m", m, weights.length);
    requireLength("v", v, weights.length);
    requireLength("mean update", meanUpdate, weights.length);
    float rate = (float) step.learningRate();
    switch (step) {
      case ServerStep.Average(_) -> {
        for (int i = 0; i < weights.length; i++) {
          weights[i] = weights[i] + rate * meanUpdate[i];
        }
      }
      case ServerStep.Momentum(_, double momentum) -> {
        float beta = (float) momentum;
        for (int i = 0; i < weights.length; i++) {
          m[i] = beta * m[i] + meanUpdate[i];
          weights[i] = weights[i] + rate * m[i];
        }
      }
      case ServerStep.Adam(_, double beta1, double beta2, double tau) -> {
        float keep = (float) beta2;
        float take = (float) (1 - beta2);
        updateMomentum(m, meanUpdate, beta1);
        for (int i = 0; i < weights.length; i++) {
          v[i] = keep * v[i] + take * (meanUpdate[i] * meanUpdate[i]);
        }
        adaptiveStep(weights, m, v, rate, (float) tau);
      }
      case ServerStep.Yogi(_, double beta1, double beta2, double tau) -> {
        float take = (float) (1 - beta2);
        updateMomentum(m, meanUpdate, beta1);
        for (int i = 0; i < weights.length; i++) {
          float square = meanUpdate[i] * meanUpdate[i];
          v[i] = v[i] - take * square * Math.signum(v[i] - square);
        }
        adaptiveStep(weights, m, v, rate, (float) tau);
      }
      case ServerStep.Adagrad(_, double beta1, double tau) -> {
        updateMomentum(m, meanUpdate, beta1);
        for (int i = 0; i < weights.length; i++) {
          v[i] = v[i] + meanUpdate[i] * meanUpdate[i];
        }
        adaptiveStep(weights, m, v, rate, (float) tau);
      }
    }
  }

  private static void updateMomentum(float[] m, float[] meanUpdate, double beta1) {
    float keep = (float) beta1;
    float take = (float) (1 - beta1);
    for (int i = 0; i < m.length; i++) {
      m[i] = keep * m[i] + take * meanUpdate[i];
    }
  }

  private static void adaptiveStep(float[] weights, float[] m, float[] v, float rate, float tau) {
    for (int i = 0; i < weights.length; i++) {
      weights[i] = weights[i] + rate * m[i] / ((float) Math.sqrt(v[i]) + tau);
    }
  }

  private static void requireLength(String name, float[] values, int length) {
    if (values.length != length) {
      throw new IllegalArgumentException(
          "%s has %d elements and the weights have %d; they must be equal"
              .formatted(name, values.length, length));
    }
  }
}
