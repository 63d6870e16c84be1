package dev.comity.codec;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Optional;
import java.util.function.Function;

/// Builds one map, field by field in any order, and encodes it deterministically. An absent
/// optional field is left out: there is no null. Confined to the thread that builds it.
///
/// ```java
/// byte[] bytes = CborWriter.map().text("name", name).integer("round", 3).toBytes();
/// ```
public final class CborWriter {
  private final LinkedHashMap<String, CborValue> fields = new LinkedHashMap<>();

  private CborWriter() {}

  public static CborWriter map() {
    return new CborWriter();
  }

  public CborWriter text(String name, String value) {
    return put(name, new CborValue.Text(value));
  }

  public CborWriter text(String name, Optional<String> value) {
    value.ifPresent(present -> text(name, present));
    return this;
  }

  public CborWriter integer(String name, long value) {
    return put(name, new CborValue.Whole(value));
  }

  /// Fails with IllegalArgumentException unless `value` is finite.
  public CborWriter real(String name, double value) {
    if (!Double.isFinite(value)) {
      throw new IllegalArgumentException(name + " must be finite, was " + value);
    }
    return put(name, new CborValue.Real(value));
  }

  public CborWriter bool(String name, boolean value) {
    return put(name, new CborValue.Flag(value));
  }

  public CborWriter bytes(String name, byte[] value) {
    return bytes(name, Bytes.of(value));
  }

  public CborWriter bytes(String name, Bytes value) {
    return put(name, new CborValue.Binary(value));
  }

  public CborWriter bytes(String name, Optional<Bytes> value) {
    value.ifPresent(present -> bytes(name, present));
    return this;
  }

  public CborWriter map(String name, CborWriter value) {
    return put(name, value.mapping());
  }

  public CborWriter map(String name, Optional<CborWriter> value) {
    value.ifPresent(present -> map(name, present));
    return this;
  }

  /// A list of maps.
  public <T> CborWriter maps(
      String name, Collection<T> items, Function<? super T, CborWriter> writer) {
    return put(name, sequence(items, writer));
  }

  static <T> CborValue sequence(Collection<T> items, Function<? super T, CborWriter> writer) {
    return new CborValue.Sequence(
        items.stream().map(item -> writer.apply(item).mapping()).toList());
  }

  public CborWriter item(String name, CborItem item) {
    return put(name, new CborValue.Encoded(item.encoded()));
  }

  public CborWriter texts(String name, Collection<String> items) {
    return put(
        name, new CborValue.Sequence(items.stream().<CborValue>map(CborValue.Text::new).toList()));
  }

  public CborWriter integers(String name, Collection<? extends Number> items) {
    return put(
        name,
        new CborValue.Sequence(
            items.stream().<CborValue>map(item -> new CborValue.Whole(item.longValue())).toList()));
  }

  public CborWriter byteStrings(String name, Collection<Bytes> items) {
    return put(
        name,
        new CborValue.Sequence(items.stream().<CborValue>map(CborValue.Binary::new).toList()));
  }

  public byte[] toBytes() {
    return CborEncoder.encode(mapping());
  }

  private CborValue mapping() {
    return new CborValue.Mapping(new LinkedHashMap<>(fields));
  }

  private CborWriter put(String name, CborValue value) {
    if (fields.putIfAbsent(name, value) != null) {
      throw new IllegalStateException("field " + name + " written twice");
    }
    return this;
  }
}
