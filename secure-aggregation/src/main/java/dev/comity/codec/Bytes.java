package dev.comity.codec;

import java.io.ByteArrayOutputStream;
import java.util.Arrays;

/// Immutable bytes with equality by content, so that records can hold them. Not for secrets: the
/// content is readable and stays in memory; `toString` tells only the length.
public final class Bytes {
  private static final Bytes EMPTY = new Bytes(new byte[0]);

  private final byte[] content;

  private Bytes(byte[] content) {
    this.content = content;
  }

  /// Copies `content`.
  public static Bytes of(byte[] content) {
    return new Bytes(content.clone());
  }

  public static Bytes empty() {
    return EMPTY;
  }

  public int size() {
    return content.length;
  }

  /// A fresh copy.
  public byte[] toByteArray() {
    return content.clone();
  }

  void writeTo(ByteArrayOutputStream out) {
    out.writeBytes(content);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Bytes that && Arrays.equals(content, that.content);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(content);
  }

  @Override
  public String toString() {
    return "Bytes[" + content.length + "]";
  }
}
