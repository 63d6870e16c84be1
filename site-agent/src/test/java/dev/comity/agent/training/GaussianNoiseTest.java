package dev.comity.agent.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import dev.comity.plan.Digest;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class GaussianNoiseTest {
  private static final int COUNT = 200_000;

  @Test
  void theNoiseIsNormalByTheTestOfKolmogorovAndSmirnov() {
    double deviation = 2.5;
    var noise = draw(1, deviation, 0, COUNT);

    Arrays.sort(noise);
    double distance = 0;
    for (int i = 0; i < COUNT; i++) {
      double expected = normalCdf(noise[i] / deviation);
      distance = Math.max(distance, Math.abs(expected - (double) i / COUNT));
      distance = Math.max(distance, Math.abs(expected - (i + 1.0) / COUNT));
    }
    assertThat(distance).isLessThan(2.0 / Math.sqrt(COUNT)); // exceeded once in 1,500 keys
  }

  @Test
  void theNoiseHasItsTails() {
    var noise = draw(2, 1, 0, COUNT);

    for (double limit : new double[] {2, 3, 4}) {
      double expected = 2 * COUNT * normalCdf(-limit);
      double beyond = Arrays.stream(noise).filter(x -> Math.abs(x) > limit).count();
      assertThat(beyond).isCloseTo(expected, within(5 * Math.sqrt(expected)));
    }
  }

  @Test
  void coordinatesAndStepsAreIndependent() {
    var noise = draw(3, 1, 0, COUNT);
    var next = draw(3, 1, 1, COUNT);

    double neighbours = 0;
    double squares = 0;
    double steps = 0;
    for (int i = 0; i + 1 < COUNT; i++) {
      neighbours += noise[i] * noise[i + 1];
      squares += (noise[i] * noise[i] - 1) * (noise[i + 1] * noise[i + 1] - 1) / 2;
      steps += noise[i] * next[i];
    }
    double bound = 5 * Math.sqrt(COUNT);
    assertThat(neighbours).isCloseTo(0, within(bound));
    assertThat(squares).isCloseTo(0, within(bound));
    assertThat(steps).isCloseTo(0, within(bound));
  }

  @Test
  void theSameKeyAndStepGiveTheSameNoiseWhateverTheLength() {
    var noise = draw(4, 1, 7, 101);

    assertThat(draw(4, 1, 7, 101)).isEqualTo(noise);
    assertThat(Arrays.copyOf(draw(4, 1, 7, 1000), 101)).isEqualTo(noise);
    assertThat(draw(4, 1, 8, 101)).isNotEqualTo(noise);
    assertThat(draw(5, 1, 7, 101)).isNotEqualTo(noise);
  }

  @Test
  void everyResultLiesOnTheGridAndEveryCellNearTheValueIsReached() {
    double deviation = 1;
    double grid = 0x1p-12;
    var gaussian = noise(6, deviation);
    for (double value : new double[] {0, 1.0 / 3, -123.456, 1e6 + 0.1}) {
      var noise = draw(6, deviation, 0, COUNT);
      var cells = new boolean[64];
      for (double each : noise) {
        double result = gaussian.add(value, each);

        double cell = result / grid;
        assertThat(cell).isEqualTo(Math.rint(cell));
        assertThat(result).isCloseTo(value + each, within(grid / 2 + Math.ulp(result)));
        int from = (int) (cell - Math.rint(value / grid)) + 32;
        if (from >= 0 && from < cells.length) {
          cells[from] = true;
        }
      }
      for (boolean cell : cells) {
        assertThat(cell).isTrue(); // each is missed with probability e⁻¹⁹
      }
    }
  }

  @Test
  void aLargeValueMovesNoBoundaryOfACell() {
    var gaussian = noise(7, 1);
    var random = new Random(20261125);
    for (int i = 0; i < 10_000; i++) {
      double rest = random.nextInt(1 << 20) * 0x1p-33;
      double each = random.nextGaussian();

      double near = gaussian.add(rest, each);
      double far = gaussian.add(rest + 0x1p19, each);

      assertThat(far - 0x1p19).isEqualTo(near);
    }
  }

  @Test
  void aDeviationOutOfRangeIsRefused() {
    for (double deviation : new double[] {0, Double.MIN_VALUE, Double.POSITIVE_INFINITY}) {
      assertThatIllegalArgumentException().isThrownBy(() -> noise(1, deviation));
    }
  }

  private static GaussianNoise noise(int secret, double deviation) {
    return new GaussianNoise(
        TestKeys.key(secret).branch("noise", Digest.of(new byte[0])), deviation);
  }

  private static double[] draw(int secret, double deviation, long step, int count) {
    var drawn = new double[count];
    noise(secret, deviation).draw(step, drawn);
    return drawn;
  }

  /// By the series of Marsaglia 2004.
  private static double normalCdf(double x) {
    if (x < -8) {
      return 0;
    }
    if (x > 8) {
      return 1;
    }
    double sum = 0;
    double term = x;
    for (int i = 3; sum + term != sum; i += 2) {
      sum += term;
      term *= x * x / i;
    }
    return 0.5 + sum * Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI);
  }
}
