package dev.comity.accounting;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigInteger;
import java.util.Arrays;
import java.util.List;
import java.util.NoSuchElementException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Draws with fixed keys: each test either always passes or always fails.
class DiscreteGaussianSamplerTest {
  private static final int DRAWS = 300_000;

  private static RandomBits bits(int seed) {
    byte[] key = new byte[32];
    key[0] = (byte) seed;
    return RandomBits.ofKey(key);
  }

  /// σ², also where 126 bits do not suffice and every number is a `BigInteger`.
  @ParameterizedTest
  @CsvSource({
    "1, 4, 1",
    "1, 1, 2",
    "16, 1, 3",
    "1000, 7, 4",
    "1048576, 1, 5",
    "1000000000001, 1000000, 6",
    "10000000000, 1, 7",
    "4611686018427387904, 288230376151711744, 8",
    "4611686018427387904, 4611686018427387903, 9"
  })
  void theDrawsHaveTheExactDistribution(long numerator, long denominator, int seed) {
    double variance = (double) numerator / denominator;
    double sigma = Math.sqrt(variance);
    var sampler = new DiscreteGaussianSampler(numerator, denominator, bits(seed));
    long bound = (long) (9 * sigma) + 3;
    long[] draws = new long[DRAWS];

    Arrays.setAll(draws, _ -> sampler.next());

    // Pearson's statistic over intervals of at least a tenth of sigma, the tails taken together.
    long width = Math.max(1, (long) (sigma / 10));
    long cells = (long) (4 * sigma) / width + 1;
    double[] expected = new double[(int) (2 * cells + 1)];
    long[] counted = new long[expected.length];
    DiscreteGaussian exact = new DiscreteGaussian(sigma, bound);
    for (long x = -bound; x <= bound; x++) {
      expected[cell(x, width, cells)] += DRAWS * exact.probability(x);
    }
    double sum = 0;
    double squares = 0;
    for (long x : draws) {
      counted[cell(x, width, cells)]++;
      sum += x;
      squares += (double) x * x;
    }
    double statistic = 0;
    int degrees = -1;
    for (int i = 0; i < expected.length; i++) {
      if (expected[i] > 0) {
        statistic += (counted[i] - expected[i]) * (counted[i] - expected[i]) / expected[i];
        degrees++;
      }
    }
    assertThat(statistic)
        .as("seed %d, %d degrees of freedom", seed, degrees)
        .isLessThan(quantile(degrees));
    double exactVariance = 0;
    double fourth = 0;
    for (long x = -bound; x <= bound; x++) {
      exactVariance += exact.probability(x) * x * x;
      fourth += exact.probability(x) * x * x * x * x;
    }
    assertThat(Math.abs(sum / DRAWS)).isLessThan(4 * Math.sqrt(exactVariance / DRAWS));
    assertThat(Math.abs(squares / DRAWS - exactVariance))
        .isLessThan(4 * Math.sqrt((fourth - exactVariance * exactVariance) / DRAWS));
  }

  private static int cell(long x, long width, long cells) {
    return (int) (Math.clamp(Math.floorDiv(x, width), -cells, cells) + cells);
  }

  /// The 1 − 1e-4 quantile of χ² (Wilson, Hilferty 1931).
  private static double quantile(int degrees) {
    double c = 2.0 / (9 * degrees);
    return degrees * Math.pow(1 - c + 3.719 * Math.sqrt(c), 3);
  }

  /// The same draws must come of both widths of arithmetic: σ² is 16 in all cases, and equal
  /// probabilities are compared bit by bit.
  @Test
  void theWidthOfTheArithmeticDoesNotChangeTheDraws() {
    var narrow = new DiscreteGaussianSampler(16, 1, bits(10));
    var wide = new DiscreteGaussianSampler(1L << 62, 1L << 58, bits(10));

    for (int i = 0; i < 20_000; i++) {
      assertThat(narrow.next()).isEqualTo(wide.next());
    }
  }

  @Test
  void oneKeyGivesOneSequenceAndAnotherKeyAnother() {
    var first = new DiscreteGaussianSampler(1 << 20, 1, bits(11));
    var again = new DiscreteGaussianSampler(1 << 20, 1, bits(11));
    var other = new DiscreteGaussianSampler(1 << 20, 1, bits(12));
    long[] draws = new long[100];
    long[] repeated = new long[100];
    long[] others = new long[100];

    Arrays.setAll(draws, _ -> first.next());
    Arrays.setAll(repeated, _ -> again.next());
    Arrays.setAll(others, _ -> other.next());

    assertThat(repeated).isEqualTo(draws);
    assertThat(others).isNotEqualTo(draws);
  }

  /// exp(−n/d) for n/d of many sizes, in draws enough to see a thousandth.
  @ParameterizedTest
  @CsvSource({
    "0, 1",
    "1, 2",
    "1, 3",
    "2, 3",
    "1, 1000",
    "999, 1000",
    "5, 7",
    "1, 4611686018427387904",
    "3074457345618258602, 4611686018427387903"
  })
  void theCoinOfAnExponentialHasItsProbability(long n, long d) {
    var sampler = new DiscreteGaussianSampler(1, 1, bits(13));
    int draws = 1_000_000;
    long heads = 0;
    for (int i = 0; i < draws; i++) {
      heads += sampler.exponential(0, n, 0, d) ? 1 : 0;
    }

    double p = Math.exp(-(double) n / d);
    assertThat(Math.abs(heads - draws * p))
        .isLessThanOrEqualTo(4 * Math.sqrt(draws * p * (1 - p)) + 1);
  }

  @Test
  void theCoinIsTheSameForNumbersBeyondALong() {
    BigInteger n = BigInteger.valueOf(3).shiftLeft(120);
    BigInteger d = BigInteger.valueOf(7).shiftLeft(120);
    var wide = new DiscreteGaussianSampler(1, 1, bits(14));
    var narrow = new DiscreteGaussianSampler(1, 1, bits(14));

    for (int i = 0; i < 100_000; i++) {
      assertThat(
              wide.exponential(
                  n.shiftRight(64).longValueExact(),
                  n.longValue(),
                  d.shiftRight(64).longValueExact(),
                  d.longValue()))
          .isEqualTo(narrow.exponential(0, 3, 0, 7));
    }
  }

  @Test
  void theCoinOfOneOverEHasItsProbability() {
    var sampler = new DiscreteGaussianSampler(1, 1, bits(15));
    int draws = 1_000_000;
    long heads = 0;
    for (int i = 0; i < draws; i++) {
      heads += sampler.exponentialOfOne() ? 1 : 0;
    }

    double p = Math.exp(-1);
    assertThat(Math.abs(heads - draws * p)).isLessThan(4 * Math.sqrt(draws * p * (1 - p)));
  }

  /// The exact probability, by following the coin through every sequence of bits up to a length:
  /// what it is after these bits, plus what is undecided, must enclose exp(−1/3). Zeros that follow
  /// keep every comparison of an undecided coin true, so that it asks for bits without end.
  @Test
  void everySequenceOfBitsIsWeighedAsItShould() {
    int length = 18;
    long heads = 0;
    long undecided = 0;
    for (long prefix = 0; prefix < 1L << length; prefix++) {
      try {
        heads += toss(prefix) ? 1 : 0;
      } catch (NoSuchElementException e) {
        undecided++;
      }
    }

    double p = Math.exp(-1.0 / 3) * (1L << length);
    assertThat((double) heads).isBetween(p - undecided, p);
    assertThat(undecided).isPositive().isLessThan(1L << (length - 9));
  }

  private static boolean toss(long word) {
    var words = List.of(word, 0L, 0L).iterator();
    return new DiscreteGaussianSampler(1, 1, words::next).exponential(0, 1, 0, 3);
  }

  @ParameterizedTest
  @ValueSource(longs = {0, -1, (1L << 62) + 1, Long.MIN_VALUE})
  void aVarianceThatIsNotPositiveOrTooLargeIsRefused(long bad) {
    assertThatThrownBy(() -> new DiscreteGaussianSampler(bad, 1, bits(0)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("variance numerator " + bad + ": must be 1 to 2^62");
    assertThatThrownBy(() -> new DiscreteGaussianSampler(1, bad, bits(0)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("variance denominator " + bad + ": must be 1 to 2^62");
  }

  @Test
  void theBitsAreTheStreamOfAes256InCounterModeAndNeverShown() {
    // AES-256 of a zero block under a zero key.
    RandomBits bits = RandomBits.ofKey(new byte[32]);

    assertThat(Long.reverseBytes(bits.next64())).isEqualTo(0xdc95c078a2408989L);
    assertThat(Long.reverseBytes(bits.next64())).isEqualTo(0xad48a21492842087L);
    assertThat(bits).hasToString("RandomBits[redacted]");
  }

  @Test
  void freshBitsDiffer() {
    assertThat(RandomBits.fresh().next64()).isNotEqualTo(RandomBits.fresh().next64());
  }

  @Test
  void aKeyOfAnotherLengthIsRefused() {
    assertThatThrownBy(() -> RandomBits.ofKey(new byte[16]))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("key of 16 bytes: must have 32");
  }
}
