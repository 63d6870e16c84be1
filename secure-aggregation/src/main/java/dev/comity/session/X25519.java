package dev.comity.session;

import dev.comity.plan.Suite;
import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.InvalidKeyException;
import java.security.KeyFactory;
import java.security.spec.NamedParameterSpec;
import java.security.spec.XECPrivateKeySpec;
import java.security.spec.XECPublicKeySpec;
import java.util.Arrays;
import java.util.Set;
import javax.crypto.KeyAgreement;

/// RFC 7748's X25519 on raw 32-byte keys, little-endian as on the wire.
final class X25519 {
  private static final int KEY_BYTES = Suite.Agreement.X25519.publicKeyBytes();

  private static final BigInteger P =
      BigInteger.ONE.shiftLeft(255).subtract(BigInteger.valueOf(19));

  /// The canonical u of the points of order 1, 2, 4 and 8 on the curve and its twist.
  private static final Set<BigInteger> SMALL_ORDER =
      Set.of(
          BigInteger.ZERO,
          BigInteger.ONE,
          P.subtract(BigInteger.ONE),
          new BigInteger(
              "325606250916557431795983626356110631294008115727848805560023387167927233504"),
          new BigInteger(
              "39382357235489614581723060781553021112529911719440698176882885853963445705823"));

  private static final BigInteger BASE = BigInteger.valueOf(9);

  private X25519() {}

  /// Refuses u ≥ p and the points of small order.
  static void requireCanonical(byte[] publicKey, String what) {
    BigInteger u = integer(publicKey);
    if (u.compareTo(P) >= 0) {
      throw new SessionRefusal(
          SessionRefusal.Reason.BAD_KEY, what + ": u >= 2^255 - 19; send the canonical encoding");
    }
    if (SMALL_ORDER.contains(u)) {
      throw new SessionRefusal(
          SessionRefusal.Reason.BAD_KEY, what + ": a point of small order; make a fresh key");
    }
  }

  /// The public key of `secret`: X25519(secret, 9).
  static byte[] publicKey(byte[] secret) {
    return agree(secret, BASE);
  }

  /// The shared secret. `publicKey` must be canonical.
  static byte[] agree(byte[] secret, byte[] publicKey) {
    return agree(secret, integer(publicKey));
  }

  private static byte[] agree(byte[] secret, BigInteger u) {
    try {
      KeyFactory keys = KeyFactory.getInstance("X25519");
      KeyAgreement agreement = KeyAgreement.getInstance("X25519");
      agreement.init(
          keys.generatePrivate(new XECPrivateKeySpec(NamedParameterSpec.X25519, secret)));
      agreement.doPhase(
          keys.generatePublic(new XECPublicKeySpec(NamedParameterSpec.X25519, u)), true);
      return agreement.generateSecret();
    } catch (InvalidKeyException e) {
      throw new SessionRefusal(
          SessionRefusal.Reason.BAD_KEY, "X25519 key of small order; make a fresh key", e);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("this Java runtime lacks X25519, which Java 11 brought", e);
    }
  }

  private static BigInteger integer(byte[] littleEndian) {
    if (littleEndian.length != KEY_BYTES) {
      throw new SessionRefusal(
          SessionRefusal.Reason.BAD_KEY,
          "X25519 key of " + littleEndian.length + " bytes; must be " + KEY_BYTES);
    }
    byte[] bigEndian = littleEndian.clone();
    for (int i = 0; i < KEY_BYTES / 2; i++) {
      byte swapped = bigEndian[i];
      bigEndian[i] = bigEndian[KEY_BYTES - 1 - i];
      bigEndian[KEY_BYTES - 1 - i] = swapped;
    }
    BigInteger value = new BigInteger(1, bigEndian);
    Arrays.fill(bigEndian, (byte) 0);
    return value;
  }
}
