package dev.comity.codec;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.Set;
import java.util.function.Function;

/// Reads one map strictly: a missing field, a field of another type, a value out of range and, at
/// `end`, a field that nobody asked for are each a `MalformedException` naming the field's path.
/// `read`, `map` and `maps` call `end` themselves and turn the `IllegalArgumentException` of a
/// record's constructor into a `MalformedException`. Confined to one thread.
///
/// ```java
/// Person person = CborReader.read(bytes, "Person", in -> new Person(in.text("name"), in.integer("age")));
/// ```
public final class CborReader {
  private final String path;
  private final SequencedMap<String, CborValue> fields;
  private final Set<String> unread;

  private CborReader(String path, SequencedMap<String, CborValue> fields) {
    this.path = path;
    this.fields = fields;
    this.unread = new LinkedHashSet<>(fields.keySet());
  }

  /// The caller must call `end`.
  public static CborReader map(byte[] bytes, String document) {
    CborValue value = CborDecoder.decode(bytes, document);
    if (value instanceof CborValue.Mapping(var fields)) {
      return new CborReader(document, fields);
    }
    throw new MalformedException(document + ": " + value.kind() + "; must be a map");
  }

  /// Decodes a whole document.
  public static <T> T read(byte[] bytes, String document, Function<CborReader, T> reader) {
    return map(bytes, document).apply(reader);
  }

  /// Refuses fields that were not read.
  public void end() {
    if (!unread.isEmpty()) {
      throw new MalformedException(
          "unknown field \"%s\" in %s; remove it or upgrade this software"
              .formatted(unread.iterator().next(), path));
    }
  }

  public boolean has(String name) {
    return fields.containsKey(name);
  }

  public String text(String name) {
    CborValue value = take(name);
    if (value instanceof CborValue.Text(String text)) {
      return text;
    }
    throw wrongType(name, value, "a text");
  }

  public Optional<String> optionalText(String name) {
    return has(name) ? Optional.of(text(name)) : Optional.empty();
  }

  public long integer(String name) {
    CborValue value = take(name);
    if (value instanceof CborValue.Whole(long number)) {
      return number;
    }
    throw wrongType(name, value, "an integer");
  }

  /// An integer that fits in 32 bits with sign.
  public int int32(String name) {
    return int32(name, integer(name));
  }

  public double real(String name) {
    CborValue value = take(name);
    if (value instanceof CborValue.Real(double number)) {
      return number;
    }
    throw wrongType(name, value, "a 64-bit float");
  }

  public boolean bool(String name) {
    CborValue value = take(name);
    if (value instanceof CborValue.Flag(boolean flag)) {
      return flag;
    }
    throw wrongType(name, value, "a boolean");
  }

  /// Exactly `size` bytes.
  public Bytes bytes(String name, int size) {
    return bytes(name, size, size);
  }

  /// Between `least` and `most` bytes, both included.
  public Bytes bytes(String name, int least, int most) {
    return binary(name, take(name), least, most);
  }

  public Optional<Bytes> optionalBytes(String name, int least, int most) {
    return has(name) ? Optional.of(bytes(name, least, most)) : Optional.empty();
  }

  public <T> T map(String name, Function<CborReader, T> reader) {
    return child(path + "." + name, take(name)).apply(reader);
  }

  public <T> Optional<T> optionalMap(String name, Function<CborReader, T> reader) {
    return has(name) ? Optional.of(map(name, reader)) : Optional.empty();
  }

  /// A list of maps.
  public <T> List<T> maps(String name, Function<CborReader, T> reader) {
    return items(name, (item, itemPath) -> child(itemPath, item).apply(reader));
  }

  public List<String> texts(String name) {
    return items(
        name,
        (item, itemPath) -> {
          if (item instanceof CborValue.Text(String text)) {
            return text;
          }
          throw new MalformedException(itemPath + ": " + item.kind() + "; must be a text");
        });
  }

  public List<Long> integers(String name) {
    return items(
        name,
        (item, itemPath) -> {
          if (item instanceof CborValue.Whole(long number)) {
            return number;
          }
          throw new MalformedException(itemPath + ": " + item.kind() + "; must be an integer");
        });
  }

  public List<Integer> int32s(String name) {
    return integers(name).stream().map(number -> int32(name, number)).toList();
  }

  /// A list of byte strings of exactly `size` bytes each.
  public List<Bytes> byteStrings(String name, int size) {
    List<Bytes> strings = new ArrayList<>();
    for (CborValue item : sequence(name)) {
      strings.add(binary(name + "[" + strings.size() + "]", item, size, size));
    }
    return List.copyOf(strings);
  }

  private interface ItemReader<T> {
    T read(CborValue item, String itemPath);
  }

  private <T> List<T> items(String name, ItemReader<T> reader) {
    List<T> items = new ArrayList<>();
    for (CborValue item : sequence(name)) {
      items.add(reader.read(item, path + "." + name + "[" + items.size() + "]"));
    }
    return List.copyOf(items);
  }

  private List<CborValue> sequence(String name) {
    CborValue value = take(name);
    if (value instanceof CborValue.Sequence(var sequence)) {
      return sequence;
    }
    throw wrongType(name, value, "a list");
  }

  private static CborReader child(String path, CborValue value) {
    if (value instanceof CborValue.Mapping(var fields)) {
      return new CborReader(path, fields);
    }
    throw new MalformedException(path + ": " + value.kind() + "; must be a map");
  }

  private <T> T apply(Function<CborReader, T> reader) {
    T result;
    try {
      result = reader.apply(this);
    } catch (IllegalArgumentException e) {
      throw new MalformedException(path + ": " + e.getMessage(), e);
    }
    end();
    return result;
  }

  private Bytes binary(String name, CborValue value, int least, int most) {
    if (!(value instanceof CborValue.Binary(Bytes bytes))) {
      throw wrongType(name, value, "a byte string");
    }
    if (bytes.size() < least || bytes.size() > most) {
      String allowed = least == most ? String.valueOf(least) : least + " to " + most;
      throw new MalformedException(
          "%s.%s: %d bytes; must be %s".formatted(path, name, bytes.size(), allowed));
    }
    return bytes;
  }

  private int int32(String name, long number) {
    if (number != (int) number) {
      throw new MalformedException(
          "%s.%s: %d; must be within [%d, %d]"
              .formatted(path, name, number, Integer.MIN_VALUE, Integer.MAX_VALUE));
    }
    return (int) number;
  }

  private CborValue take(String name) {
    CborValue value = fields.get(name);
    if (value == null) {
      throw new MalformedException("missing field \"%s\" in %s".formatted(name, path));
    }
    unread.remove(name);
    return value;
  }

  private MalformedException wrongType(String name, CborValue found, String wanted) {
    return new MalformedException(
        "%s.%s: %s; must be %s".formatted(path, name, found.kind(), wanted));
  }
}
