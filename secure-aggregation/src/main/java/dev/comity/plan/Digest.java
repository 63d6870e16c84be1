package dev.comity.plan;

import dev.comity.codec.Bytes;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;

/// A SHA-256 digest, the name of content. Ordered as unsigned bytes; compared in constant time.
public final class Digest implements Comparable<Digest> {
  public static final int SIZE = 32;

  private final byte[] value;

  private Digest(byte[] value) {
    this.value = value;
  }

  /// The digest of `content`.
  public static Digest of(byte[] content) {
    return new Digest(sha256().digest(content));
  }

  /// The digest of `parts`, one after the other without separators.
  public static Digest ofAll(byte[]... parts) {
    MessageDigest sha256 = sha256();
    for (byte[] part : parts) {
      sha256.update(part);
    }
    return new Digest(sha256.digest());
  }

  /// 64 hexadecimal digits, either case.
  public static Digest fromHex(String hex) {
    if (hex.length() != 2 * SIZE) {
      throw new IllegalArgumentException(
          "a digest is 64 hexadecimal digits, found " + hex.length() + " characters");
    }
    try {
      return new Digest(HexFormat.of().parseHex(hex));
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("a digest is 64 hexadecimal digits", e);
    }
  }

  /// `value` is the digest itself, 32 bytes.
  public static Digest ofValue(byte[] value) {
    if (value.length != SIZE) {
      throw new IllegalArgumentException("a digest is 32 bytes, found " + value.length);
    }
    return new Digest(value.clone());
  }

  /// `value` is the digest itself, 32 bytes.
  public static Digest ofValue(Bytes value) {
    return ofValue(value.toByteArray());
  }

  /// The 32 bytes, a fresh copy.
  public byte[] bytes() {
    return value.clone();
  }

  public String hex() {
    return HexFormat.of().formatHex(value);
  }

  /// The first twelve hexadecimal digits, for logs and terminals.
  public String abbreviated() {
    return HexFormat.of().formatHex(value, 0, 6);
  }

  @Override
  public int compareTo(Digest other) {
    return Arrays.compareUnsigned(value, other.value);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Digest that && MessageDigest.isEqual(value, that.value);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(value);
  }

  @Override
  public String toString() {
    return hex();
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(
          "this Java runtime lacks SHA-256, which every runtime must have", e);
    }
  }
}
