package dev.comity.algorithm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class ServerOptimizerTest {
  private static final float[] WEIGHTS = {0.1f, -2.5f, 1e-3f, 3.0e4f, -0.7f};
  private static final float[] FIRST = {0.01f, -0.3f, 1e-6f, 12.5f, 0.0f};
  private static final float[] SECOND = {-0.02f, 0.1f, 3e-5f, -700.25f, 1e-20f};

  private static final float[] UNTOUCHED = bits(0, 0, 0, 0, 0);

  static Stream<ServerStep> steps() {
    return Stream.of(
        new ServerStep.Average(0.7),
        new ServerStep.Momentum(0.5, 0.9),
        new ServerStep.Adam(0.01, 0.9, 0.999, 1e-8),
        new ServerStep.Yogi(0.01, 0.9, 0.999, 1e-8),
        new ServerStep.Adagrad(0.316228, 0.9, 1e-8));
  }

  /// Two steps, computed once by another program that rounds every operation to float32.
  static Stream<Arguments> frozen() {
    float[] m = bits(0xba902de0, 0xbc8b4396, 0x364f5dcb, 0xc289cccd, 0x1c971da0);
    return Stream.of(
        Arguments.of(
            new ServerStep.Average(0.7),
            bits(0x3dbe76c9, 0xc028f5c3, 0x3a85ea91, 0x46e69d26, 0xbf333333),
            UNTOUCHED,
            UNTOUCHED),
        Arguments.of(
            new ServerStep.Momentum(0.5, 0.9),
            bits(0x3dcbc6a8, 0xc02f0a3e, 0x3a8529a0, 0x46e7bb80, 0xbf333333),
            bits(0xbc343958, 0xbe2e147c, 0x38019a9f, 0xc42c4000, 0x1e3ce508),
            UNTOUCHED),
        Arguments.of(
            new ServerStep.Adam(0.01, 0.9, 0.999, 1e-8),
            bits(0x3dedb303, 0xc0231cc2, 0x3d6a73c8, 0x46ea6000, 0xbf333333),
            m,
            bits(0x350630de, 0x38d186c8, 0x2b7d9bd2, 0x43f540cb, 0x00000047)),
        Arguments.of(
            new ServerStep.Yogi(0.01, 0.9, 0.999, 1e-8),
            bits(0x3dedb3d4, 0xc0231ca2, 0x3d6a73c4, 0x46ea6000, 0xbf333333),
            m,
            bits(0x350637bd, 0x38d1b719, 0x2b7d9be5, 0x43f540d0, 0x00000047)),
        Arguments.of(
            new ServerStep.Adagrad(0.316228, 0.9, 1e-8),
            bits(0x3dedb43b, 0xc0231ca3, 0x3d84d143, 0x46ea6000, 0xbf333333),
            m,
            bits(0x3a03126e, 0x3dcccccd, 0x3077aa3c, 0x48ef814a, 0x000116c2)));
  }

  @ParameterizedTest
  @MethodSource("frozen")
  void agreesToTheBitWithTheFrozenVector(
      ServerStep step, float[] weights, float[] momentum, float[] variance) {
    float[] w = WEIGHTS.clone();
    float[] m = new float[w.length];
    float[] v = new float[w.length];

    ServerOptimizer.apply(step, w, m, v, FIRST);
    ServerOptimizer.apply(step, w, m, v, SECOND);

    assertThat(w).isEqualTo(weights);
    assertThat(m).isEqualTo(momentum);
    assertThat(v).isEqualTo(variance);
  }

  @ParameterizedTest
  @MethodSource("steps")
  void staysCloseToTheSameStepsInDouble(ServerStep step) {
    RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(7);
    int length = 1001;
    float[] w = new float[length];
    float[] m = new float[length];
    float[] v = new float[length];
    double[][] reference = new double[length][3];
    for (int i = 0; i < length; i++) {
      w[i] = (float) random.nextGaussian();
      reference[i][0] = w[i];
    }

    for (int round = 0; round < 10; round++) {
      float[] update = new float[length];
      for (int i = 0; i < length; i++) {
        update[i] = (float) (0.1 * random.nextGaussian());
        inDouble(step, reference[i], update[i]);
      }
      ServerOptimizer.apply(step, w, m, v, update);
    }

    for (int i = 0; i < length; i++) {
      assertThat((double) w[i]).isCloseTo(reference[i][0], within(1e-5));
      assertThat((double) m[i]).isCloseTo(reference[i][1], within(1e-5));
      assertThat((double) v[i]).isCloseTo(reference[i][2], within(1e-5));
    }
  }

  @Test
  void theFirstStepsByHand() {
    assertThat(oneStep(new ServerStep.Average(1), 0.5f)).isEqualTo(1.5f);
    assertThat(oneStep(new ServerStep.Momentum(0.5, 0.5), 0.5f)).isEqualTo(1.25f);
    // m = 0.25, v = 0.25: 1 + 1 * 0.25 / (0.5 + 0.5)
    assertThat(oneStep(new ServerStep.Adagrad(1, 0.5, 0.5), 0.5f)).isEqualTo(1.25f);
    // m = 0.5, v = 0.25 * 1: 1 + 1 * 0.5 / (0.5 + 0.5)
    assertThat(oneStep(new ServerStep.Adam(1, 0.5, 0.75, 0.5), 1f)).isEqualTo(1.5f);
    // v = 0 - 0.25 * 1 * sign(0 - 1) = 0.25
    assertThat(oneStep(new ServerStep.Yogi(1, 0.5, 0.75, 0.5), 1f)).isEqualTo(1.5f);
  }

  @Test
  void refusesArraysOfUnequalLength() {
    assertThatThrownBy(() ->
            ServerOptimizer.apply(
                new ServerStep.Average(1), new float[3], new float[3], new float[3], new float[2]))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("mean update has 2 elements and the weights have 3; they must be equal");
  }

  private static float oneStep(ServerStep step, float update) {
    float[] w = {1f};
    ServerOptimizer.apply(step, w, new float[1], new float[1], new float[] {update});
    return w[0];
  }

  private static void inDouble(ServerStep step, double[] wmv, double delta) {
    double rate = step.learningRate();
    switch (step) {
      case ServerStep.Average(_) -> wmv[0] += rate * delta;
      case ServerStep.Momentum(_, double momentum) -> {
        wmv[1] = momentum * wmv[1] + delta;
        wmv[0] += rate * wmv[1];
      }
      case ServerStep.Adam(_, double beta1, double beta2, double tau) -> {
        wmv[1] = beta1 * wmv[1] + (1 - beta1) * delta;
        wmv[2] = beta2 * wmv[2] + (1 - beta2) * delta * delta;
        wmv[0] += rate * wmv[1] / (Math.sqrt(wmv[2]) + tau);
      }
      case ServerStep.Yogi(_, double beta1, double beta2, double tau) -> {
        wmv[1] = beta1 * wmv[1] + (1 - beta1) * delta;
        wmv[2] -= (1 - beta2) * delta * delta * Math.signum(wmv[2] - delta * delta);
        wmv[0] += rate * wmv[1] / (Math.sqrt(wmv[2]) + tau);
      }
      case ServerStep.Adagrad(_, double beta1, double tau) -> {
        wmv[1] = beta1 * wmv[1] + (1 - beta1) * delta;
        wmv[2] += delta * delta;
        wmv[0] += rate * wmv[1] / (Math.sqrt(wmv[2]) + tau);
      }
    }
  }

  private static float[] bits(int... bits) {
    float[] values = new float[bits.length];
    for (int i = 0; i < bits.length; i++) {
      values[i] = Float.intBitsToFloat(bits[i]);
    }
    return values;
  }
}
