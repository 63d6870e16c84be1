package dev.comity.accounting;

import java.math.BigInteger;

/// Draws from the discrete Gaussian N_Z(0, σ²) exactly, for rational σ² (Canonne, Kamath, Steinke
/// 2020, arXiv 2004.00010, algorithms 1 to 3). Integer arithmetic alone: no probability is ever
/// rounded, so the output has exactly the distribution that the accountants assume. 128-bit
/// integers where everything fits, `BigInteger` where not.
///
/// The time that a draw takes depends on the draw; whoever uses the noise draws it before it looks
/// at the data. Owned by one thread.
public final class DiscreteGaussianSampler {
  /// Largest σ² that is accepted.
  private static final long MOST_VARIANCE = 1L << 62;

  private static final int WIDE_BITS = 126;
  private static final int WORD = 64;

  private final RandomBits source;
  private final long numerator;
  private final long denominator;

  /// t = ⌊σ⌋ + 1, the scale of the Laplace proposals.
  private final long scale;

  /// 2abt², the denominator of the exponent of acceptance.
  private final BigInteger exponentDenominator;

  private final boolean fits;
  private final long exponentHigh;
  private final long exponentLow;

  private long word;
  private int bitsLeft;

  /// σ² = `numerator`/`denominator` in squared integer units.
  ///
  /// @param numerator a, 1 to 2^62
  /// @param denominator b, 1 to 2^62
  public DiscreteGaussianSampler(long numerator, long denominator, RandomBits source) {
    if (numerator < 1 || numerator > MOST_VARIANCE) {
      throw new IllegalArgumentException(
          "variance numerator %d: must be 1 to 2^62".formatted(numerator));
    }
    if (denominator < 1 || denominator > MOST_VARIANCE) {
      throw new IllegalArgumentException(
          "variance denominator %d: must be 1 to 2^62".formatted(denominator));
    }
    this.source = source;
    this.numerator = numerator;
    this.denominator = denominator;
    // ⌊√(a/b)⌋ = ⌊√⌊a/b⌋⌋
    scale = BigInteger.valueOf(numerator / denominator).sqrt().longValueExact() + 1;
    exponentDenominator =
        BigInteger.TWO
            .multiply(BigInteger.valueOf(numerator))
            .multiply(BigInteger.valueOf(denominator))
            .multiply(BigInteger.valueOf(scale).pow(2));
    fits = exponentDenominator.bitLength() <= WIDE_BITS;
    exponentHigh = fits ? exponentDenominator.shiftRight(WORD).longValueExact() : 0;
    exponentLow = fits ? exponentDenominator.longValue() : 0;
  }

  /// One draw.
  public long next() {
    // Algorithm 3: accept a Laplace proposal with probability exp(−(|y| − σ²/t)²/(2σ²)).
    while (true) {
      long y = laplace();
      if (accepts(Math.abs(y))) {
        return y;
      }
    }
  }

  /// Algorithm 2 with s = 1: P[y] ∝ exp(−|y|/t).
  private long laplace() {
    while (true) {
      long u = uniformBelow(scale);
      if (!exponential(0, u, 0, scale)) {
        continue;
      }
      long v = 0;
      while (exponentialOfOne()) {
        v++;
      }
      long magnitude = Math.addExact(u, Math.multiplyExact(scale, v));
      boolean negative = nextBit();
      if (negative && magnitude == 0) {
        continue; // zero would be counted twice
      }
      return negative ? -magnitude : magnitude;
    }
  }

  /// With σ² = a/b the exponent (|y| − σ²/t)²/(2σ²) is (|y|·b·t − a)²/(2abt²).
  private boolean accepts(long magnitude) {
    long product = denominator * scale;
    if (!fits
        || Math.multiplyHigh(denominator, scale) != 0
        || product < 0
        || Math.multiplyHigh(magnitude, product) != 0
        || magnitude * product < 0) {
      return acceptsAnySize(magnitude);
    }
    long difference = magnitude * product - numerator; // of two numbers in [0, 2^63)
    long high = Math.multiplyHigh(difference, difference);
    long low = difference * difference;
    while (!less(high, low, exponentHigh, exponentLow)) {
      if (!exponentialOfOne()) {
        return false;
      }
      high -= exponentHigh + (Long.compareUnsigned(low, exponentLow) < 0 ? 1 : 0);
      low -= exponentLow;
    }
    return exponential(high, low, exponentHigh, exponentLow);
  }

  private boolean acceptsAnySize(long magnitude) {
    BigInteger exponent =
        BigInteger.valueOf(magnitude)
            .multiply(BigInteger.valueOf(denominator))
            .multiply(BigInteger.valueOf(scale))
            .subtract(BigInteger.valueOf(numerator))
            .pow(2);
    while (exponent.compareTo(exponentDenominator) >= 0) {
      if (!exponentialOfOne()) {
        return false;
      }
      exponent = exponent.subtract(exponentDenominator);
    }
    long k = 1;
    while (bernoulli(0, 1, 0, k) && bernoulli(exponent, exponentDenominator)) {
      k++;
    }
    return k % 2 == 1;
  }

  /// Algorithm 1: true with probability exp(−n/d), for 0 ≤ n < d < 2^126. The paper's coin of
  /// probability n/(d·k) is thrown as two independent ones, 1/k and n/d.
  boolean exponential(long nHigh, long nLow, long dHigh, long dLow) {
    long k = 1;
    while (bernoulli(0, 1, 0, k) && bernoulli(nHigh, nLow, dHigh, dLow)) {
      k++;
    }
    return k % 2 == 1;
  }

  /// Algorithm 1 for exp(−1).
  boolean exponentialOfOne() {
    long k = 1;
    while (bernoulli(0, 1, 0, k)) {
      k++;
    }
    return k % 2 == 1;
  }

  /// True with probability n/d, for 0 ≤ n ≤ d < 2^126: compares uniform bits with the binary digits
  /// of n/d, one by one, until they differ.
  private boolean bernoulli(long nHigh, long nLow, long dHigh, long dLow) {
    if (!less(nHigh, nLow, dHigh, dLow)) {
      return true;
    }
    long high = nHigh;
    long low = nLow;
    while ((high | low) != 0) {
      high = high << 1 | low >>> (WORD - 1);
      low <<= 1;
      boolean digit = !less(high, low, dHigh, dLow);
      if (digit) {
        high -= dHigh + (Long.compareUnsigned(low, dLow) < 0 ? 1 : 0);
        low -= dLow;
      }
      if (nextBit() != digit) {
        return digit;
      }
    }
    return false;
  }

  private boolean bernoulli(BigInteger n, BigInteger d) {
    BigInteger rest = n;
    while (rest.signum() != 0) {
      rest = rest.shiftLeft(1);
      boolean digit = rest.compareTo(d) >= 0;
      if (digit) {
        rest = rest.subtract(d);
      }
      if (nextBit() != digit) {
        return digit;
      }
    }
    return false;
  }

  private static boolean less(long aHigh, long aLow, long bHigh, long bLow) {
    return aHigh < bHigh || (aHigh == bHigh && Long.compareUnsigned(aLow, bLow) < 0);
  }

  /// Uniform in [0, bound), by rejection.
  private long uniformBelow(long bound) {
    if (bound == 1) {
      return 0;
    }
    int shift = Long.numberOfLeadingZeros(bound - 1);
    while (true) {
      long candidate = source.next64() >>> shift;
      if (candidate < bound) {
        return candidate;
      }
    }
  }

  private boolean nextBit() {
    if (bitsLeft == 0) {
      word = source.next64();
      bitsLeft = WORD;
    }
    boolean bit = (word & 1) != 0;
    word >>>= 1;
    bitsLeft--;
    return bit;
  }
}
