package dev.comity.membership;

import dev.comity.codec.Bytes;
import dev.comity.plan.Digest;
import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.InvalidKeyException;
import java.security.PublicKey;
import java.security.Signature;
import java.security.spec.InvalidKeySpecException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/// An Ed25519 public key: 32 raw bytes as in RFC 8032. Refused at construction unless it is the
/// canonical encoding of a point on the curve that is not of small order, for which many messages
/// share a signature. Safe for use by many threads.
public final class MessagePublicKey implements Comparable<MessagePublicKey> {
  public static final int SIZE = Ed25519.PUBLIC_KEY_SIZE;
  public static final int SIGNATURE_SIZE = Ed25519.SIGNATURE_SIZE;

  private static final BigInteger P = BigInteger.TWO.pow(255).subtract(BigInteger.valueOf(19));

  /// The y coordinates of the eight points whose order divides 8.
  private static final Set<BigInteger> SMALL_ORDER =
      Set.of(
          BigInteger.ZERO,
          BigInteger.ONE,
          P.subtract(BigInteger.ONE),
          littleEndian(
              HexFormat.of()
                  .parseHex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")),
          littleEndian(
              HexFormat.of()
                  .parseHex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")));

  private final byte[] raw;
  private final PublicKey key;

  private MessagePublicKey(byte[] raw, PublicKey key) {
    this.raw = raw;
    this.key = key;
  }

  /// `raw` is the 32 bytes.
  public static MessagePublicKey of(byte[] raw) {
    if (raw.length != SIZE) {
      throw new IllegalArgumentException(
          "a message key is 32 bytes of Ed25519, found " + raw.length);
    }
    byte[] y = raw.clone();
    y[SIZE - 1] &= 0x7f;
    BigInteger coordinate = littleEndian(y);
    if (coordinate.compareTo(P) >= 0) {
      throw new IllegalArgumentException(
          "a message key that is not canonical: y must be < 2^255 - 19");
    }
    if (SMALL_ORDER.contains(coordinate)) {
      throw new IllegalArgumentException("a message key of small order; make a new key");
    }
    try {
      PublicKey key = Ed25519.publicKey(raw);
      Ed25519.signature().initVerify(key); // decodes the point
      return new MessagePublicKey(raw.clone(), key);
    } catch (InvalidKeySpecException | InvalidKeyException e) {
      throw new IllegalArgumentException("a message key that is no point of Ed25519", e);
    }
  }

  public static MessagePublicKey of(Bytes raw) {
    return of(raw.toByteArray());
  }

  /// 64 hexadecimal digits, either case.
  public static MessagePublicKey fromHex(String hex) {
    if (hex.length() != 2 * SIZE) {
      throw new IllegalArgumentException(
          "a message key is 64 hexadecimal digits, found " + hex.length() + " characters");
    }
    byte[] raw;
    try {
      raw = HexFormat.of().parseHex(hex);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("a message key is 64 hexadecimal digits", e);
    }
    return of(raw);
  }

  static MessagePublicKey of(PublicKey key) {
    return of(Ed25519.raw(key));
  }

  /// Whether `signature` is this key's over the label and the concatenated `parts`. False for a
  /// signature of any wrong form.
  public boolean verify(SignatureLabel label, byte[] signature, byte[]... parts) {
    if (signature.length != SIGNATURE_SIZE) {
      return false;
    }
    try {
      Signature verifier = Ed25519.signature();
      verifier.initVerify(key);
      verifier.update(label.prefix());
      for (byte[] part : parts) {
        verifier.update(part);
      }
      return verifier.verify(signature);
    } catch (GeneralSecurityException e) {
      return false; // a signature whose S or R is out of range
    }
  }

  public boolean verify(SignatureLabel label, Bytes signature, byte[]... parts) {
    return verify(label, signature.toByteArray(), parts);
  }

  /// SHA-256 of the 32 bytes: the key id of messages.
  public Digest fingerprint() {
    return Digest.of(raw);
  }

  /// The fingerprint in sixteen groups of four hexadecimal digits, to be read aloud.
  public String displayFingerprint() {
    String hex = fingerprint().hex();
    return IntStream.range(0, hex.length() / 4)
        .mapToObj(group -> hex.substring(4 * group, 4 * group + 4))
        .collect(Collectors.joining("-"));
  }

  /// A fingerprint as a person types it: 64 hexadecimal digits in any case, with or without dashes,
  /// colons and spaces.
  public static Digest parseFingerprint(String text) {
    String hex = text.replaceAll("[-: ]", "").toLowerCase(Locale.ROOT);
    try {
      return Digest.fromHex(hex);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "fingerprint \"%s\": must be 64 hexadecimal digits, grouped or not".formatted(text), e);
    }
  }

  /// The 32 bytes, a fresh copy.
  public byte[] bytes() {
    return raw.clone();
  }

  public String hex() {
    return HexFormat.of().formatHex(raw);
  }

  @Override
  public int compareTo(MessagePublicKey other) {
    return Arrays.compareUnsigned(raw, other.raw);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof MessagePublicKey that && Arrays.equals(raw, that.raw);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(raw);
  }

  /// The fingerprint, as a person compares it.
  @Override
  public String toString() {
    return displayFingerprint();
  }

  private static BigInteger littleEndian(byte[] bytes) {
    byte[] reversed = new byte[bytes.length];
    for (int i = 0; i < bytes.length; i++) {
      reversed[bytes.length - 1 - i] = bytes[i];
    }
    return new BigInteger(1, reversed);
  }
}
