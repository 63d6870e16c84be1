package dev.comity.round;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.comity.algorithm.ServerOptimizer;
import dev.comity.algorithm.ServerStep;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.ops.transforms.Transforms;

/// ND4J, whose arithmetic is none of ours, as the oracle of the server's step.
class ServerStepOracleTest {
  private static final int PARAMETERS = 1003;
  private static final int ROUNDS = 5;

  private static final List<ServerStep> STEPS =
      List.of(
          new ServerStep.Average(0.7),
          new ServerStep.Momentum(0.5, 0.9),
          new ServerStep.Adam(0.01, 0.9, 0.99, 1e-3),
          new ServerStep.Yogi(0.01, 0.9, 0.99, 1e-3),
          new ServerStep.Adagrad(0.1, 0.5, 1e-3));

  @Test
  void everyStepAgreesWithNd4jRoundAfterRound() {
    for (var step : STEPS) {
      var random = new Random(5);
      float[] weights = gaussian(random);
      var m = new float[PARAMETERS];
      var v = new float[PARAMETERS];
      var oracle = new Oracle(weights);
      for (int round = 1; round <= ROUNDS; round++) {
        float[] mean = gaussian(random);

        ServerOptimizer.apply(step, weights, m, v, mean);
        oracle.apply(step, Nd4j.createFromArray(mean));

        assertClose(step, weights, oracle.weights);
        assertClose(step, m, oracle.m);
        assertClose(step, v, oracle.v);
      }
    }
  }

  private static void assertClose(ServerStep step, float[] ours, INDArray theirs) {
    float[] expected = theirs.toFloatVector();
    for (int i = 0; i < PARAMETERS; i++) {
      assertThat(ours[i])
          .as("%s at %d", step, i)
          .isCloseTo(expected[i], within(1e-5f * Math.max(1, Math.abs(expected[i]))));
    }
  }

  private static float[] gaussian(Random random) {
    var values = new float[PARAMETERS];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  private static final class Oracle {
    private INDArray weights;
    private INDArray m = Nd4j.createFromArray(new float[PARAMETERS]);
    private INDArray v = Nd4j.createFromArray(new float[PARAMETERS]);

    Oracle(float[] weights) {
      this.weights = Nd4j.createFromArray(weights);
    }

    void apply(ServerStep step, INDArray mean) {
      switch (step) {
        case ServerStep.Average(double rate) -> weights = weights.add(mean.mul(rate));
        case ServerStep.Momentum(double rate, double beta) -> {
          m = m.mul(beta).add(mean);
          weights = weights.add(m.mul(rate));
        }
        case ServerStep.Adam(double rate, double beta1, double beta2, double tau) -> {
          v = v.mul(beta2).add(mean.mul(mean).mul(1 - beta2));
          adapt(mean, rate, beta1, tau);
        }
        case ServerStep.Yogi(double rate, double beta1, double beta2, double tau) -> {
          var squares = mean.mul(mean);
          var sign = Transforms.sign(v.sub(squares), true);
          v = v.sub(squares.mul(1 - beta2).mul(sign));
          adapt(mean, rate, beta1, tau);
        }
        case ServerStep.Adagrad(double rate, double beta1, double tau) -> {
          v = v.add(mean.mul(mean));
          adapt(mean, rate, beta1, tau);
        }
      }
    }

    private void adapt(INDArray mean, double rate, double beta1, double tau) {
      m = m.mul(beta1).add(mean.mul(1 - beta1));
      weights = weights.add(m.mul(rate).div(Transforms.sqrt(v, true).add(tau)));
    }
  }
}
