package dev.comity.formats;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.json.JsonFactory;

/// Writes safetensors files whose bytes follow from their content alone, so that whoever has the
/// same tensors and metadata gets the same digest. `__metadata__` comes first, its keys sorted;
/// tensors of larger types come first, otherwise in the order in which they were added; there are
/// no holes; the header is padded with spaces so that the data start at a multiple of 64.
///
/// Tensors are not copied before they are written. One thread uses a writer.
public final class SafetensorsWriter {
  /// Data start at a multiple of this many bytes.
  public static final int ALIGNMENT = 64;

  private static final int TILE_BYTES = 1 << 16;
  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final JsonFactory JSON = new JsonFactory();

  private final Map<String, String> metadata = new TreeMap<>();
  private final List<Tensor> tensors = new ArrayList<>();
  private final Set<String> names = new HashSet<>();

  /// Adds one string to `__metadata__`.
  public SafetensorsWriter metadata(String key, String value) {
    if (metadata.putIfAbsent(key, value) != null) {
      throw new IllegalArgumentException("metadata key " + key + " is already there");
    }
    return this;
  }

  /// Adds a tensor whose little-endian, row-major bytes are `data`.
  public SafetensorsWriter tensor(
      String name, ElementType type, List<Long> shape, MemorySegment data) {
    return add(new Tensor.Bytes(name, type, List.copyOf(shape), data), data.byteSize());
  }

  /// Adds a float32 tensor whose row-major elements are all of `values`.
  public SafetensorsWriter floats(String name, List<Long> shape, float[] values) {
    return floats(name, shape, MemorySegment.ofArray(values));
  }

  /// Adds a float32 tensor whose elements are a heap segment of a `float[]`, in native order.
  SafetensorsWriter floats(String name, List<Long> shape, MemorySegment values) {
    return add(new Tensor.Floats(name, List.copyOf(shape), values), values.byteSize());
  }

  private SafetensorsWriter add(Tensor tensor, long bytes) {
    var needed = tensor.type().bytes(tensor.shape());
    if (needed.isEmpty() || needed.get() != bytes) {
      throw new IllegalArgumentException(
          "tensor %s: %s %s needs %s bytes, got %d"
              .formatted(
                  tensor.name(),
                  tensor.type(),
                  tensor.shape(),
                  needed.map(Object::toString).orElse("too many"),
                  bytes));
    }
    if (tensor.name().equals(SafetensorsHeader.METADATA) || !names.add(tensor.name())) {
      throw new IllegalArgumentException(
          "tensor name " + tensor.name() + " is taken; every name must be its own");
    }
    tensors.add(tensor);
    return this;
  }

  /// The file as bytes; for files that an array can hold.
  public byte[] toBytes() {
    var bytes = new ByteArrayOutputStream();
    try {
      writeTo(bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  /// Writes the file; leaves `out` open.
  public void writeTo(OutputStream out) throws IOException {
    var ordered =
        tensors.stream()
            .sorted(Comparator.comparingInt((Tensor tensor) -> -tensor.type().bytes()))
            .toList();
    out.write(header(ordered));
    var tile = new byte[TILE_BYTES];
    for (var tensor : ordered) {
      tensor.writeTo(out, tile);
    }
  }

  private byte[] header(List<Tensor> ordered) {
    byte[] json = json(ordered).getBytes(StandardCharsets.UTF_8);
    int unpadded = SafetensorsHeader.LENGTH_BYTES + json.length;
    int padded = Math.ceilDiv(unpadded, ALIGNMENT) * ALIGNMENT;
    int length = padded - SafetensorsHeader.LENGTH_BYTES;
    if (length > SafetensorsHeader.LONGEST) {
      throw new IllegalArgumentException(
          "the header has %d bytes; the limit is %d: use fewer tensors or shorter names"
              .formatted(length, SafetensorsHeader.LONGEST));
    }
    var header = ByteBuffer.allocate(padded).order(ByteOrder.LITTLE_ENDIAN);
    header.putLong(length).put(json);
    while (header.hasRemaining()) {
      header.put((byte) ' ');
    }
    return header.array();
  }

  private String json(List<Tensor> ordered) {
    var json = new StringWriter();
    try (var generator = JSON.createGenerator(ObjectWriteContext.empty(), json)) {
      generator.writeStartObject();
      if (!metadata.isEmpty()) {
        generator.writeObjectPropertyStart(SafetensorsHeader.METADATA);
        metadata.forEach(generator::writeStringProperty);
        generator.writeEndObject();
      }
      long offset = 0;
      for (var tensor : ordered) {
        offset = describe(generator, tensor, offset);
      }
      generator.writeEndObject();
    }
    return json.toString();
  }

  private static long describe(JsonGenerator generator, Tensor tensor, long begin) {
    long end = begin + tensor.data().byteSize();
    generator.writeObjectPropertyStart(tensor.name());
    generator.writeStringProperty("dtype", tensor.type().name());
    generator.writeArrayPropertyStart("shape");
    tensor.shape().forEach(generator::writeNumber);
    generator.writeEndArray();
    generator.writeArrayPropertyStart("data_offsets");
    generator.writeNumber(begin);
    generator.writeNumber(end);
    generator.writeEndArray();
    generator.writeEndObject();
    return end;
  }

  private sealed interface Tensor {
    String name();

    ElementType type();

    List<Long> shape();

    MemorySegment data();

    /// Writes the tensor's bytes by way of `tile`.
    default void writeTo(OutputStream out, byte[] tile) throws IOException {
      for (long from = 0; from < data().byteSize(); from += tile.length) {
        int count = (int) Math.min(tile.length, data().byteSize() - from);
        copy(from, count, tile);
        out.write(tile, 0, count);
      }
    }

    void copy(long from, int count, byte[] tile);

    record Bytes(String name, ElementType type, List<Long> shape, MemorySegment data)
        implements Tensor {
      @Override
      public void copy(long from, int count, byte[] tile) {
        MemorySegment.copy(data, ValueLayout.JAVA_BYTE, from, tile, 0, count);
      }
    }

    record Floats(String name, List<Long> shape, MemorySegment data) implements Tensor {
      @Override
      public ElementType type() {
        return ElementType.F32;
      }

      @Override
      public void copy(long from, int count, byte[] tile) {
        MemorySegment.copy(
            data,
            ValueLayout.JAVA_FLOAT_UNALIGNED,
            from,
            MemorySegment.ofArray(tile),
            FLOAT,
            0,
            count / Float.BYTES);
      }
    }
  }
}
