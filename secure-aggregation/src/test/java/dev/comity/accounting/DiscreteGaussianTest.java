package dev.comity.accounting;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DiscreteGaussianTest {
  @ParameterizedTest
  @ValueSource(doubles = {0.3, 1, 4, 100.5})
  void isSymmetricAndSumsToOne(double sigma) {
    long bound = (long) (12 * sigma) + 2;
    DiscreteGaussian noise = new DiscreteGaussian(sigma, bound);
    double sum = 0;
    for (long x = -bound; x <= bound; x++) {
      sum += noise.probability(x);

      assertThat(noise.probability(x)).isEqualTo(noise.probability(-x));
      assertThat(noise.cumulative(x)).isCloseTo(sum, within(1e-13));
    }
    assertThat(sum).isCloseTo(1, within(1e-13));
    assertThat(noise.probability(bound + 1)).isZero();
    assertThat(noise.cumulative(-bound - 1)).isZero();
    assertThat(noise.cumulative(bound + 1)).isEqualTo(1);
  }

  @Test
  void theHockeyStickIsTheSumOfItsDefinition() {
    DiscreteGaussian noise = new DiscreteGaussian(2.5, 9);
    for (double epsilon : new double[] {-0.5, 0, 0.3, 1, 3}) {
      double sum = 0;
      for (long x = -9; x <= 9; x++) {
        sum += Math.max(0, noise.probability(x) - Math.exp(epsilon) * noise.probability(x - 2));
      }

      assertThat(noise.delta(epsilon, 2)).isCloseTo(sum, within(1e-15));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "0, 5, sigma 0.0: must be > 0 and finite",
    "NaN, 5, sigma NaN: must be > 0 and finite",
    "1, -1, bound -1: must be 0 to 16777216",
    "1, 16777217, bound 16777217: must be 0 to 16777216"
  })
  void refusesWhatHasNoMeaning(double sigma, long bound, String message) {
    assertThatThrownBy(() -> new DiscreteGaussian(sigma, bound))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(message);
  }
}
