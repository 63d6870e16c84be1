package dev.comity.e2e;

import dev.comity.codec.Bytes;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/// Values that must not leave a site, in every encoding that a programmer might give them.
///
/// An encoding of four bytes turns up by chance in one of 2³² places of random bytes. So one find
/// of less than eight bytes inside content that is random by its class (keys, ciphertexts, digests,
/// signatures, masked vectors) is not held against the site; the same find in two different such
/// contents is, as is any find elsewhere. A run says about 10⁵ random bytes and there are about 10²
/// such encodings: with λ < 3·10⁻³ expected finds, spread over all encodings, two of the same one
/// come by chance in fewer than one of 10⁷ runs.
final class Canaries {
  private static final int LONG_ENOUGH = 8;

  private final List<Needle> needles = new ArrayList<>();

  /// @param name says what it is and how it is encoded
  private record Needle(String name, Bytes content) {}

  /// Bytes to be searched.
  ///
  /// @param random whether its class makes all or part of it random
  record Content(String where, Bytes bytes, boolean random) {}

  /// A number of the data, given by its decimal digits as they stand in the file: text from eight
  /// digits on, and binary floating point of both sizes and orders, which CBOR and Protocol Buffers
  /// carry unchanged.
  Canaries decimal(String name, String text) {
    String digits = text.replaceAll("[^0-9]", "").replaceFirst("^0+", "");
    if (digits.length() < LONG_ENOUGH) {
      throw new IllegalArgumentException("canary " + name + " is too short to be told apart");
    }
    text(name + " as digits", digits.substring(0, LONG_ENOUGH));
    text(name + " as text", digits.charAt(0) + "." + digits.substring(1, LONG_ENOUGH));
    return real(name, Double.parseDouble(text));
  }

  /// A number that was computed from the data: shortest decimal forms and floating point.
  Canaries real(String name, double value) {
    float narrow = (float) value;
    for (var order : List.of(ByteOrder.LITTLE_ENDIAN, ByteOrder.BIG_ENDIAN)) {
      add(name + " as float64, " + order, buffer(8, order).putDouble(value));
      add(name + " as float32 in 64 bits, " + order, buffer(8, order).putDouble(narrow));
      add(name + " as float32, " + order, buffer(4, order).putFloat(narrow));
    }
    text(name + " as text of a float64", Double.toString(Math.abs(value)));
    text(name + " as text of a float32", Float.toString(Math.abs(narrow)));
    return this;
  }

  /// A count of at least four bytes as a varint: text, integers of both sizes and orders, varint
  /// plain and zigzag, CBOR, floating point.
  Canaries count(String name, int value) {
    if (value < 1 << 21) {
      throw new IllegalArgumentException("canary " + name + " is too small to be told apart");
    }
    text(name + " as text", Integer.toString(value));
    text(name + " as grouped text", String.format(Locale.ROOT, "%,d", value));
    text(name + " as hexadecimal", Integer.toHexString(value));
    for (var order : List.of(ByteOrder.LITTLE_ENDIAN, ByteOrder.BIG_ENDIAN)) {
      add(name + " as int32, " + order, buffer(4, order).putInt(value));
      add(name + " as int64, " + order, buffer(8, order).putLong(value));
      add(name + " as float64, " + order, buffer(8, order).putDouble(value));
      add(name + " as float32, " + order, buffer(4, order).putFloat(value));
    }
    add(name + " as varint", varint(value));
    add(name + " as zigzag varint", varint(2L * value));
    add(name + " as CBOR", buffer(5, ByteOrder.BIG_ENDIAN).put((byte) 0x1a).putInt(value));
    return this;
  }

  /// A secret: raw, hexadecimal, and Base64 of both alphabets at every alignment.
  Canaries secret(String name, byte[] value) {
    add(name + ", raw", ByteBuffer.wrap(value).position(value.length));
    text(name + " as hexadecimal", HexFormat.of().formatHex(value));
    text(name + " as upper-case hexadecimal", HexFormat.of().withUpperCase().formatHex(value));
    for (int shift = 0; shift < 3; shift++) {
      var shifted = ByteBuffer.allocate(shift + value.length).position(shift).put(value).array();
      for (var encoder : List.of(Base64.getEncoder(), Base64.getUrlEncoder())) {
        String text = encoder.withoutPadding().encodeToString(shifted);
        int from = Math.ceilDiv(shift * 8, 6);
        int to = shifted.length * 8 / 6; // characters that depend on the value alone
        text("%s as Base64 at %d".formatted(name, shift), text.substring(from, to));
      }
    }
    return this;
  }

  /// A secret that is text.
  Canaries text(String name, String value) {
    byte[] content = value.getBytes(StandardCharsets.UTF_8);
    return add(name, ByteBuffer.wrap(content).position(content.length));
  }

  /// What is found, one line a find; empty when nothing leaked.
  List<String> leaks(List<Content> contents) {
    var leaks = new ArrayList<String>();
    for (var needle : needles) {
      var inRandom = new LinkedHashSet<String>();
      Set<Bytes> different = new HashSet<>();
      for (var content : contents) {
        if (!contains(content.bytes().toByteArray(), needle.content().toByteArray())) {
          continue;
        }
        if (content.random() && needle.content().size() < LONG_ENOUGH) {
          inRandom.add(content.where());
          different.add(content.bytes());
        } else {
          leaks.add(needle.name() + " in " + content.where());
        }
      }
      if (different.size() > 1) {
        leaks.add(needle.name() + " in " + inRandom);
      }
    }
    return leaks;
  }

  /// @param filled read from its begin to its position
  private Canaries add(String name, ByteBuffer filled) {
    var content = new byte[filled.position()];
    filled.flip().get(content);
    needles.add(new Needle(name, Bytes.of(content)));
    return this;
  }

  private static ByteBuffer buffer(int size, ByteOrder order) {
    return ByteBuffer.allocate(size).order(order);
  }

  private static ByteBuffer varint(long value) {
    var buffer = ByteBuffer.allocate(10);
    long rest = value;
    while (rest > 0x7f) {
      buffer.put((byte) (rest | 0x80));
      rest >>>= 7;
    }
    return buffer.put((byte) rest);
  }

  private static boolean contains(byte[] content, byte[] needle) {
    for (int at = 0; at <= content.length - needle.length; at++) {
      int same = 0;
      while (same < needle.length && content[at + same] == needle[same]) {
        same++;
      }
      if (same == needle.length) {
        return true;
      }
    }
    return false;
  }
}
