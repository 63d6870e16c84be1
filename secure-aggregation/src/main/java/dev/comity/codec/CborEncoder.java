package dev.comity.codec;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/// Writes items in the one form that `CborDecoder` accepts.
final class CborEncoder {
  private static final class Field {
    private final byte[] name; // UTF-8
    private final CborValue value;

    Field(String name, CborValue value) {
      this.name = name.getBytes(UTF_8);
      this.value = value;
    }
  }

  /// That of the encoded names: the length comes before the bytes.
  private static final Comparator<Field> IN_ORDER =
      Comparator.<Field>comparingInt(field -> field.name.length)
          .thenComparing(field -> field.name, Arrays::compareUnsigned);

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();

  private CborEncoder() {}

  static byte[] encode(CborValue value) {
    CborEncoder encoder = new CborEncoder();
    encoder.write(value);
    return encoder.out.toByteArray();
  }

  private void write(CborValue value) {
    switch (value) {
      case CborValue.Whole(long number) when number >= 0 -> head(0, number);
      case CborValue.Whole(long number) -> head(1, ~number);
      case CborValue.Binary(Bytes bytes) -> {
        head(2, bytes.size());
        bytes.writeTo(out);
      }
      case CborValue.Text(String text) -> {
        text(text.getBytes(UTF_8));
      }
      case CborValue.Sequence(var items) -> {
        head(4, items.size());
        items.forEach(this::write);
      }
      case CborValue.Mapping(var fields) -> {
        List<Field> sorted = new ArrayList<>(fields.size());
        fields.forEach((name, field) -> sorted.add(new Field(name, field)));
        sorted.sort(IN_ORDER);
        head(5, sorted.size());
        for (Field field : sorted) {
          text(field.name);
          write(field.value);
        }
      }
      case CborValue.Encoded(Bytes item) -> item.writeTo(out);
      case CborValue.Flag(boolean flag) -> out.write(flag ? 0xf5 : 0xf4);
      case CborValue.Real(double number) -> {
        out.write(0xfb);
        out.writeBytes(ByteBuffer.allocate(8).putDouble(number).array());
      }
    }
  }

  private void text(byte[] utf8) {
    head(3, utf8.length);
    out.writeBytes(utf8);
  }

  private void head(int majorType, long argument) {
    int type = majorType << 5;
    if (argument < 24) {
      out.write(type | (int) argument);
    } else if (argument < 1L << 8) {
      out.write(type | 24);
      out.write((int) argument);
    } else if (argument < 1L << 16) {
      out.write(type | 25);
      out.writeBytes(ByteBuffer.allocate(2).putShort((short) argument).array());
    } else if (argument < 1L << 32) {
      out.write(type | 26);
      out.writeBytes(ByteBuffer.allocate(4).putInt((int) argument).array());
    } else {
      out.write(type | 27);
      out.writeBytes(ByteBuffer.allocate(8).putLong(argument).array());
    }
  }
}
