package dev.comity.update;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comity.plan.DistributedNoise;
import dev.comity.plan.VectorLayout.Kind;
import java.util.function.LongToDoubleFunction;
import org.junit.jupiter.api.Test;

class StochasticRoundingTest {
  private static final int DIMENSION = 64;

  /// All coordinates half-way: of these plain rounding makes vectors that are longer than the
  /// sensitivity in about one of sixty cases.
  private static final LongToDoubleFunction HALVES =
      _ -> 0.5 / Sites.layout(DIMENSION).block(Kind.UPDATE).scale();

  private static final double LIMIT =
      DistributedNoise.sensitivity(0.5 * Math.sqrt(DIMENSION), DIMENSION, DistributedNoise.BETA);

  @Test
  void repeatedRoundingKeepsTheNormThatPlainRoundingExceeds() {
    int exceeded = 0;
    for (int seed = 0; seed < 1000; seed++) {
      var plain = rounding(seed);
      plain.clamped(Sites.layout(DIMENSION).block(Kind.UPDATE), HALVES);
      var conditioned = rounding(seed);
      conditioned.conditioned(Sites.layout(DIMENSION).block(Kind.UPDATE), HALVES, LIMIT);

      if (norm(plain) > LIMIT) {
        exceeded++;
      } else {
        assertThat(conditioned.elements().mismatch(plain.elements())).isEqualTo(-1);
      }
      assertThat(norm(conditioned)).as("seed %d", seed).isLessThanOrEqualTo(LIMIT);
    }
    assertThat(exceeded).isBetween(3, 60);
  }

  @Test
  void aNormThatNoRoundingKeepsIsRoundedTowardsZero() {
    double scale = Sites.layout(DIMENSION).block(Kind.UPDATE).scale();
    var rounding = rounding(1);

    rounding.conditioned(
        Sites.layout(DIMENSION).block(Kind.UPDATE),
        i -> (i % 2 == 0 ? 1.9 : -1.9) / scale,
        Math.sqrt(DIMENSION));

    for (long i = 0; i < DIMENSION; i++) {
      assertThat(rounding.elements().get(Ring.INT, 4 * i)).isEqualTo(i % 2 == 0 ? 1 : -1);
    }
  }

  private static StochasticRounding rounding(long seed) {
    return new StochasticRounding(Sites.layout(DIMENSION), Sites.roundingKey(seed));
  }

  private static double norm(StochasticRounding rounding) {
    double squares = 0;
    for (long i = 0; i < DIMENSION; i++) {
      squares += Math.pow(rounding.elements().get(Ring.INT, 4 * i), 2);
    }
    return Math.sqrt(squares);
  }
}
