package dev.comity.codec;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;

/// Reads one item strictly: every input that is not the deterministic encoding of the subset is
/// refused, so two different byte strings never decode to equal items. Allocates no more than the
/// input is long.
final class CborDecoder {
  static final int MAX_DEPTH = 16;

  private final ByteBuffer in;
  private final String document;

  private CborDecoder(byte[] bytes, String document) {
    this.in = ByteBuffer.wrap(bytes);
    this.document = document;
  }

  static CborValue decode(byte[] bytes, String document) {
    CborDecoder decoder = new CborDecoder(bytes, document);
    CborValue value = decoder.read(0);
    if (decoder.in.hasRemaining()) {
      throw decoder.malformed(decoder.in.remaining() + " trailing bytes; must be 0");
    }
    return value;
  }

  private CborValue read(int depth) {
    if (depth > MAX_DEPTH) {
      throw malformed("nesting deeper than " + MAX_DEPTH);
    }
    int initial = octet();
    int majorType = initial >> 5;
    int additional = initial & 0x1f;
    return switch (majorType) {
      case 0 -> new CborValue.Whole(argument(additional));
      case 1 -> new CborValue.Whole(~argument(additional));
      case 2 -> new CborValue.Binary(Bytes.of(take(argument(additional))));
      case 3 -> new CborValue.Text(text(additional));
      case 4 -> sequence(count(additional, 1), depth);
      case 5 -> mapping(count(additional, 2), depth);
      case 6 -> throw malformed("a tag; tags are not allowed");
      default -> simple(initial);
    };
  }

  private CborValue simple(int initial) {
    return switch (initial) {
      case 0xf4 -> new CborValue.Flag(false);
      case 0xf5 -> new CborValue.Flag(true);
      case 0xfb -> {
        require(8);
        double number = in.getDouble();
        if (!Double.isFinite(number)) {
          throw malformed("a float that is not finite");
        }
        yield new CborValue.Real(number);
      }
      default ->
          throw malformed(
              "initial byte 0x%02x; simple values are false, true and 64-bit floats"
                  .formatted(initial));
    };
  }

  private CborValue sequence(int count, int depth) {
    List<CborValue> items = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      items.add(read(depth + 1));
    }
    return new CborValue.Sequence(items);
  }

  private CborValue mapping(int count, int depth) {
    LinkedHashMap<String, CborValue> fields = LinkedHashMap.newLinkedHashMap(count);
    int previousStart = -1;
    int previousEnd = -1;
    for (int i = 0; i < count; i++) {
      int start = in.position();
      int initial = octet();
      if (initial >> 5 != 3) {
        throw malformed("a map key that is not a text");
      }
      String name = text(initial & 0x1f);
      int end = in.position();
      if (i > 0) {
        int order =
            Arrays.compareUnsigned(in.array(), previousStart, previousEnd, in.array(), start, end);
        if (order == 0) {
          throw malformed("field \"" + name + "\" twice in one map");
        }
        if (order > 0) {
          throw malformed(
              "field \"" + name + "\" out of order; keys are sorted by their encoded bytes");
        }
      }
      previousStart = start;
      previousEnd = end;
      fields.put(name, read(depth + 1));
    }
    return new CborValue.Mapping(fields);
  }

  private String text(int additional) {
    byte[] utf8 = take(argument(additional));
    if (isAscii(utf8)) { // as nearly all are; a decoder costs more than the text
      return new String(utf8, US_ASCII);
    }
    try {
      return UTF_8.newDecoder().decode(ByteBuffer.wrap(utf8)).toString();
    } catch (CharacterCodingException e) {
      throw new MalformedException(
          document + ": a text that is not UTF-8, before offset " + in.position(), e);
    }
  }

  private static boolean isAscii(byte[] text) {
    int all = 0;
    for (byte each : text) {
      all |= each;
    }
    return all >= 0;
  }

  private int count(int additional, int leastBytesPerItem) {
    long count = argument(additional);
    if (count > in.remaining() / leastBytesPerItem) {
      throw malformed("a count of " + count + " items with " + in.remaining() + " bytes left");
    }
    return (int) count;
  }

  /// The argument in its shortest form; beyond 2^63 - 1 nothing is needed and nothing is accepted.
  private long argument(int additional) {
    if (additional < 24) {
      return additional;
    }
    long argument;
    long least;
    switch (additional) {
      case 24 -> {
        require(1);
        argument = in.get() & 0xffL;
        least = 24;
      }
      case 25 -> {
        require(2);
        argument = in.getShort() & 0xffffL;
        least = 1L << 8;
      }
      case 26 -> {
        require(4);
        argument = in.getInt() & 0xffff_ffffL;
        least = 1L << 16;
      }
      case 27 -> {
        require(8);
        argument = in.getLong();
        least = 1L << 32;
      }
      default -> throw malformed("an indefinite or reserved length; lengths are definite");
    }
    if (argument < 0) {
      throw malformed("an integer beyond 64 bits with sign");
    }
    if (argument < least) {
      throw malformed("an integer or length that is not in its shortest form");
    }
    return argument;
  }

  private int octet() {
    require(1);
    return in.get() & 0xff;
  }

  private byte[] take(long length) {
    require(length);
    byte[] taken = new byte[(int) length];
    in.get(taken);
    return taken;
  }

  private void require(long length) {
    if (length > in.remaining()) {
      throw malformed("ends early: " + length + " bytes wanted, " + in.remaining() + " left");
    }
  }

  private MalformedException malformed(String found) {
    return new MalformedException(document + ": " + found + " (at offset " + in.position() + ")");
  }
}
