package dev.comity.session;

import dev.comity.plan.Suite;
import java.util.Arrays;

/// Shamir's secret sharing of 32-byte secrets over the prime field of p = 2⁶¹ − 1 (Shamir 1979).
///
/// A secret is read as a little-endian integer of 256 bits and cut into five limbs of 52, 52, 52,
/// 52 and 48 bits, each shared by a polynomial of its own. A share is the five values at one x,
/// eight big-endian bytes each. Arithmetic on secret values takes the same time whatever they are;
/// x coordinates are public.
final class Shamir {
  static final long P = (1L << 61) - 1;
  static final int LIMBS = 5;
  static final int SHARE_BYTES = LIMBS * Long.BYTES;
  static final int SECRET_BYTES = Suite.SECRET_BYTES;

  private static final int LIMB_BITS = 52;
  private static final long LIMB_MASK = (1L << LIMB_BITS) - 1;
  private static final int TOP_LIMB_BITS = 48;

  /// Uniform elements of [0, p).
  interface Coefficients {
    long next();
  }

  private Shamir() {}

  /// `shares[i]` is the share at `xs[i]`; any `threshold` of them give the secret back.
  static byte[][] split(byte[] secret, int threshold, int[] xs, Coefficients coefficients) {
    long[] limbs = limbs(secret);
    long[][] polynomials = new long[LIMBS][threshold];
    for (int limb = 0; limb < LIMBS; limb++) {
      polynomials[limb][0] = limbs[limb];
      for (int power = 1; power < threshold; power++) {
        polynomials[limb][power] = coefficients.next();
      }
    }
    byte[][] shares = new byte[xs.length][SHARE_BYTES];
    for (int limb = 0; limb < LIMBS; limb++) {
      long[] values = evaluate(polynomials[limb], xs);
      for (int i = 0; i < xs.length; i++) {
        putLong(shares[i], limb * Long.BYTES, values[i]);
      }
    }
    for (long[] polynomial : polynomials) {
      Arrays.fill(polynomial, 0);
    }
    Arrays.fill(limbs, 0);
    return shares;
  }

  /// The secret whose shares at the distinct `xs` are `shares`. Fails with IllegalArgumentException
  /// when the shares are those of no 32-byte secret: their dealer was inconsistent.
  static byte[] reconstruct(int[] xs, byte[][] shares) {
    return reconstruct(weightsAtZero(xs), shares);
  }

  /// As above with the weights of `weightsAtZero`, which serve every secret shared at the same
  /// places.
  static byte[] reconstruct(long[] weights, byte[][] shares) {
    long[] limbs = new long[LIMBS];
    for (int i = 0; i < shares.length; i++) {
      for (int limb = 0; limb < LIMBS; limb++) {
        limbs[limb] = add(limbs[limb], multiply(weights[i], limbOf(shares[i], limb)));
      }
    }
    return secret(limbs);
  }

  /// Whether `share` has the exact size and every limb in [0, p).
  static boolean wellFormed(byte[] share) {
    if (share.length != SHARE_BYTES) {
      return false;
    }
    long outside = 0;
    for (int limb = 0; limb < LIMBS; limb++) {
      long value = getLong(share, limb * Long.BYTES);
      outside |= (value >>> 61) | ((P - 1 - value) >>> 63);
    }
    return outside == 0;
  }

  /// The polynomial at each of `xs`, by Horner's rule: one step of all of them before the next, so
  /// that the processor has independent products to overlap.
  static long[] evaluate(long[] coefficients, int[] xs) {
    long[] values = new long[xs.length];
    for (int power = coefficients.length - 1; power >= 0; power--) {
      long coefficient = coefficients[power];
      for (int i = 0; i < xs.length; i++) {
        values[i] = add(multiply(values[i], xs[i]), coefficient);
      }
    }
    return values;
  }

  /// Lagrange's weights at zero: Π_{k ≠ i} x_k / (x_k − x_i).
  static long[] weightsAtZero(int[] xs) {
    long[] weights = new long[xs.length];
    for (int i = 0; i < xs.length; i++) {
      long numerator = 1;
      long denominator = 1;
      for (int k = 0; k < xs.length; k++) {
        if (k != i) {
          numerator = multiply(numerator, xs[k]);
          denominator = multiply(denominator, subtract(xs[k], xs[i]));
        }
      }
      if (denominator == 0) {
        throw new IllegalArgumentException("two shares at x = " + xs[i]);
      }
      weights[i] = multiply(numerator, inverse(denominator));
    }
    return weights;
  }

  static long add(long a, long b) {
    return reduceOnce(a + b);
  }

  static long subtract(long a, long b) {
    long difference = a - b;
    return difference + (P & (difference >> 63));
  }

  /// a·b = high·2⁶⁴ + low and 2⁶¹ ≡ 1, so the product's bits above 61 fold onto those below.
  static long multiply(long a, long b) {
    long high = Math.multiplyHigh(a, b);
    long low = a * b;
    return reduceOnce((low & P) + ((high << 3) | (low >>> 61)));
  }

  /// a^(p−2), Fermat. Of public values only.
  private static long inverse(long a) {
    long result = 1;
    long power = a;
    for (long exponent = P - 2; exponent != 0; exponent >>>= 1) {
      if ((exponent & 1) != 0) {
        result = multiply(result, power);
      }
      power = multiply(power, power);
    }
    return result;
  }

  /// Of a value in [0, 2p).
  private static long reduceOnce(long value) {
    long reduced = value - P;
    return reduced + (P & (reduced >> 63));
  }

  private static long[] limbs(byte[] secret) {
    if (secret.length != SECRET_BYTES) {
      throw new IllegalArgumentException(
          "secret of " + secret.length + " bytes: must be " + SECRET_BYTES);
    }
    long[] limbs = new long[LIMBS];
    for (int limb = 0; limb < LIMBS; limb++) {
      long value = 0;
      int bits = limb == LIMBS - 1 ? TOP_LIMB_BITS : LIMB_BITS;
      for (int nibble = bits / 4 - 1; nibble >= 0; nibble--) {
        int position = limb * LIMB_BITS + nibble * 4;
        value = value << 4 | (secret[position / 8] >> (position % 8) & 15);
      }
      limbs[limb] = value;
    }
    return limbs;
  }

  private static byte[] secret(long[] limbs) {
    long outside = limbs[LIMBS - 1] >>> TOP_LIMB_BITS;
    for (int limb = 0; limb < LIMBS - 1; limb++) {
      outside |= limbs[limb] & ~LIMB_MASK;
    }
    if (outside != 0) {
      throw new IllegalArgumentException(
          "shares of no 32-byte secret: a limb is out of range; their dealer was inconsistent");
    }
    byte[] secret = new byte[SECRET_BYTES];
    for (int nibble = 0; nibble < 2 * SECRET_BYTES; nibble++) {
      int position = nibble * 4;
      long value = limbs[position / LIMB_BITS] >>> (position % LIMB_BITS) & 15;
      secret[position / 8] |= (byte) (value << (position % 8));
    }
    return secret;
  }

  private static long limbOf(byte[] share, int limb) {
    return getLong(share, limb * Long.BYTES);
  }

  private static long getLong(byte[] bytes, int offset) {
    long value = 0;
    for (int i = 0; i < Long.BYTES; i++) {
      value = value << 8 | (bytes[offset + i] & 0xff);
    }
    return value;
  }

  private static void putLong(byte[] bytes, int offset, long value) {
    for (int i = 0; i < Long.BYTES; i++) {
      bytes[offset + i] = (byte) (value >>> (56 - 8 * i));
    }
  }
}
