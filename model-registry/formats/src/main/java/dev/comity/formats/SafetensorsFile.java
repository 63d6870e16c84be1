package dev.comity.formats;

import static dev.comity.formats.MalformedSafetensorsException.quote;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// A safetensors file, checked whole before anything of it is used: header at most 100 MB and
/// strict JSON, sizes equal to shape × type, ranges disjoint and covering all data. Whoever wrote
/// the file is not trusted; anything else is refused with [MalformedSafetensorsException].
///
/// An opened file is mapped, not copied, and must not be cut short while it is in use; the mapping
/// goes with the object. Any thread may read.
public final class SafetensorsFile {
  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final MemorySegment data;
  private final SafetensorsHeader header;

  private SafetensorsFile(MemorySegment file) {
    this.header = SafetensorsHeader.parse(file);
    this.data = file.asSlice(header.dataOffset()).asReadOnly();
  }

  /// Maps and checks a file.
  public static SafetensorsFile open(Path path) throws IOException {
    try (var channel = FileChannel.open(path, StandardOpenOption.READ)) {
      return new SafetensorsFile(channel.map(MapMode.READ_ONLY, 0, channel.size(), Arena.ofAuto()));
    }
  }

  /// Checks the bytes of a file. They are not copied; the caller does not change them afterwards.
  public static SafetensorsFile of(byte[] bytes) {
    return new SafetensorsFile(MemorySegment.ofArray(bytes));
  }

  /// The strings of `__metadata__`, sorted by key; empty if there are none.
  public Map<String, String> metadata() {
    return header.metadata();
  }

  /// All tensors, in the order of their data.
  public List<TensorInfo> tensors() {
    return header.tensors();
  }

  /// The tensor called `name`.
  public Optional<TensorInfo> tensor(String name) {
    return header.tensors().stream().filter(tensor -> tensor.name().equals(name)).findFirst();
  }

  /// The little-endian bytes of one of [#tensors()], read-only.
  public MemorySegment data(TensorInfo tensor) {
    return data.asSlice(tensor.begin(), tensor.byteSize());
  }

  /// The elements of a float32 tensor, row-major, copied.
  public float[] floats(String name) {
    var tensor =
        tensor(name)
            .orElseThrow(
                () -> new MalformedSafetensorsException("the file has no tensor " + quote(name)));
    if (tensor.elements() > Integer.MAX_VALUE - 8) {
      throw new MalformedSafetensorsException(
          "tensor %s has %d elements; at most %d fit in an array: read its data in parts"
              .formatted(quote(name), tensor.elements(), Integer.MAX_VALUE - 8));
    }
    var floats = new float[(int) tensor.elements()];
    copyFloats(tensor, floats, 0);
    return floats;
  }

  void copyFloats(TensorInfo tensor, float[] target, int offset) {
    if (tensor.type() != ElementType.F32) {
      throw new MalformedSafetensorsException(
          "tensor %s is %s; only F32 can be read as floats"
              .formatted(quote(tensor.name()), tensor.type()));
    }
    MemorySegment.copy(data, FLOAT, tensor.begin(), target, offset, (int) tensor.elements());
  }
}
