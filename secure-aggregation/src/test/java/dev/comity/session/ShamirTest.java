package dev.comity.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigInteger;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ShamirTest {
  private static final BigInteger P = BigInteger.valueOf(Shamir.P);
  private final Random random = new Random(61);

  @Test
  void thePublishedPolynomialTakesItsPublishedValues() {
    long[] polynomial = {1234, 166, 94};

    long[] values = Shamir.evaluate(polynomial, IntStream.rangeClosed(1, 6).toArray());

    assertThat(values).containsExactly(1494, 1942, 2578, 3402, 4414, 5614);
  }

  @Test
  void theFieldAgreesWithBigIntegers() {
    long[] edges = {0, 1, 2, Shamir.P - 1, Shamir.P - 2, 1L << 60, (1L << 52) - 1};
    for (int i = 0; i < 2000; i++) {
      long a = i < 49 ? edges[i / 7] : element();
      long b = i < 49 ? edges[i % 7] : element();

      assertThat(Shamir.multiply(a, b))
          .isEqualTo(BigInteger.valueOf(a).multiply(BigInteger.valueOf(b)).mod(P).longValueExact());
      assertThat(Shamir.add(a, b))
          .isEqualTo(BigInteger.valueOf(a).add(BigInteger.valueOf(b)).mod(P).longValueExact());
      assertThat(Shamir.subtract(a, b))
          .isEqualTo(BigInteger.valueOf(a).subtract(BigInteger.valueOf(b)).mod(P).longValueExact());
    }
  }

  @Test
  void anyThresholdOfTheSharesGivesTheSecretBack() {
    byte[] secret = new byte[32];
    random.nextBytes(secret);
    int[] xs = {1, 2, 3, 5, 8, 512};
    byte[][] shares = Shamir.split(secret, 4, xs, this::element);

    for (int left = 0; left < 1 << xs.length; left++) {
      int chosen = left;
      int[] places = IntStream.range(0, xs.length).filter(i -> (chosen >> i & 1) == 1).toArray();
      if (places.length == 4) {
        assertThat(
                Shamir.reconstruct(
                    Arrays.stream(places).map(i -> xs[i]).toArray(),
                    Arrays.stream(places).mapToObj(i -> shares[i]).toArray(byte[][]::new)))
            .isEqualTo(secret);
      }
    }
  }

  @Test
  void everyBitOfTheSecretSurvives() {
    for (int bit = 0; bit < 256; bit++) {
      byte[] secret = new byte[32];
      secret[bit / 8] = (byte) (1 << bit % 8);
      int[] xs = {1, 2};

      assertThat(Shamir.reconstruct(xs, Shamir.split(secret, 2, xs, this::element)))
          .isEqualTo(secret);
    }
  }

  @Test
  void fewerSharesThanTheThresholdGiveSomethingElse() {
    byte[] secret = new byte[32];
    random.nextBytes(secret);
    int[] xs = {1, 2, 3};
    byte[][] shares = Shamir.split(secret, 3, xs, this::element);

    byte[] guess;
    try {
      guess = Shamir.reconstruct(new int[] {1, 2}, new byte[][] {shares[0], shares[1]});
    } catch (IllegalArgumentException _) {
      guess = new byte[32];
    }

    assertThat(guess).isNotEqualTo(secret);
  }

  @Test
  void aLimbOutOfRangeIsRefusedAsAnInconsistentDealer() {
    byte[] topLimbTooLarge = new byte[Shamir.SHARE_BYTES];
    topLimbTooLarge[33] = 1; // limb 4 = 2^48

    assertThatThrownBy(() -> Shamir.reconstruct(new int[] {1}, new byte[][] {topLimbTooLarge}))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("dealer");
    byte[] lowLimbTooLarge = new byte[Shamir.SHARE_BYTES];
    lowLimbTooLarge[1] = 16; // limb 0 = 2^52

    assertThatThrownBy(() -> Shamir.reconstruct(new int[] {1}, new byte[][] {lowLimbTooLarge}))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void aShareIsWellFormedOnlyBelowP() {
    byte[] share = new byte[Shamir.SHARE_BYTES];
    assertThat(Shamir.wellFormed(share)).isTrue();

    Arrays.fill(share, 0, 8, (byte) 0xff);
    share[0] = 0x1f; // p itself
    assertThat(Shamir.wellFormed(share)).isFalse();

    share[7] = (byte) 0xfe; // p − 1
    assertThat(Shamir.wellFormed(share)).isTrue();

    share[0] = (byte) 0x9f;
    assertThat(Shamir.wellFormed(share)).isFalse();
    assertThat(Shamir.wellFormed(new byte[39])).isFalse();
  }

  private long element() {
    return random.nextLong(Shamir.P);
  }
}
