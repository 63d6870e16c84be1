package dev.comity.agent.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.comity.plan.Digest;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PoissonSampleTest {
  private static final int STEPS = 4000;
  private static final double RATE = 0.07;

  @Test
  void eachExampleIsTakenAtTheRate() {
    int examples = 200;
    var taken = new int[examples];
    var sample = sample(1, examples, RATE);
    for (int step = 0; step < STEPS; step++) {
      for (int row : sample.rows(step)) {
        taken[row]++;
      }
    }

    double chiSquare = 0;
    for (int count : taken) {
      double expected = STEPS * RATE;
      chiSquare += (count - expected) * (count - expected) / (expected * (1 - RATE));
    }
    assertThat(chiSquare).isBetween(113.0, 309.0); // 200 degrees of freedom, ±5.4 deviations
  }

  @Test
  void theSizeOfASampleIsBinomial() {
    int examples = 500;
    var sample = sample(2, examples, RATE);
    double sum = 0;
    double squares = 0;
    for (int step = 0; step < STEPS; step++) {
      int size = sample.rows(step).length;
      sum += size;
      squares += (double) size * size;
    }

    double mean = sum / STEPS;
    double variance = squares / STEPS - mean * mean;
    double expected = examples * RATE * (1 - RATE);
    assertThat(mean).isCloseTo(examples * RATE, within(5 * Math.sqrt(expected / STEPS)));
    assertThat(variance).isCloseTo(expected, within(5 * expected * Math.sqrt(2.0 / STEPS)));
  }

  @Test
  void twoExamplesAndTwoStepsAreTakenIndependently() {
    var sample = sample(3, 2, 0.5);
    var pairs = new int[4];
    var following = new int[4];
    boolean before = false;
    for (int step = 0; step < STEPS; step++) {
      int[] rows = sample.rows(step);
      boolean first = Arrays.binarySearch(rows, 0) >= 0;
      boolean second = Arrays.binarySearch(rows, 1) >= 0;
      pairs[(first ? 2 : 0) + (second ? 1 : 0)]++;
      following[(before ? 2 : 0) + (first ? 1 : 0)]++;
      before = first;
    }

    double deviation = Math.sqrt(STEPS * 0.25 * 0.75);
    for (int[] counts : new int[][] {pairs, following}) {
      for (int count : counts) {
        assertThat((double) count).isCloseTo(STEPS / 4.0, within(5 * deviation));
      }
    }
  }

  @Test
  void oneMoreExampleChangesTheSamplingOfNoOther() {
    var fewer = sample(4, 50, RATE);
    var more = sample(4, 51, RATE);

    int added = 0;
    for (int step = 0; step < STEPS; step++) {
      int[] rows = more.rows(step);
      int[] others = IntStream.of(rows).filter(row -> row < 50).toArray();
      assertThat(others).isEqualTo(fewer.rows(step));
      added += rows.length - others.length;
    }
    assertThat((double) added)
        .isCloseTo(STEPS * RATE, within(5 * Math.sqrt(STEPS * RATE * (1 - RATE))));
  }

  @Test
  void aRateOfOneTakesAllAndATinyOneTakesNone() {
    assertThat(sample(5, 7, 1).rows(9)).containsExactly(0, 1, 2, 3, 4, 5, 6);
    assertThat(sample(5, 7, 1e-12).rows(9)).isEmpty();
  }

  @Test
  void aStepIsTheSameSampleWheneverItIsAskedForAndAnotherKeyGivesAnother() {
    var sample = sample(6, 300, 0.5);
    int[] once = sample.rows(5);
    sample.rows(6);

    assertThat(sample.rows(5)).isEqualTo(once);
    assertThat(sample(7, 300, 0.5).rows(5)).isNotEqualTo(once);
  }

  private static PoissonSample sample(int secret, int examples, double rate) {
    return new PoissonSample(
        TestKeys.key(secret).branch("sample", Digest.of(new byte[0])), examples, rate);
  }
}
