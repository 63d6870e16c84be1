package dev.comity.formats;

import static dev.comity.formats.MalformedSafetensorsException.quote;

import java.util.List;
import java.util.Objects;

/// A tensor as the header of a file describes it. Its bytes are `[begin, end)`, counted from the
/// start of the file's data.
public record TensorInfo(String name, ElementType type, List<Long> shape, long begin, long end) {
  public TensorInfo {
    Objects.requireNonNull(name);
    Objects.requireNonNull(type);
    shape = List.copyOf(shape);
    if (begin < 0 || end < begin) {
      throw new MalformedSafetensorsException(
          "tensor %s: data_offsets [%d, %d] must be ordered and not negative"
              .formatted(quote(name), begin, end));
    }
    var needed = type.bytes(shape);
    if (needed.isEmpty()) {
      throw new MalformedSafetensorsException(
          "tensor %s: %s %s has a negative dimension or more than %d bytes"
              .formatted(quote(name), type, shape, Long.MAX_VALUE));
    }
    if (needed.get() != end - begin) {
      throw new MalformedSafetensorsException(
          "tensor %s: %s %s needs %d bytes, but data_offsets [%d, %d] hold %d"
              .formatted(quote(name), type, shape, needed.get(), begin, end, end - begin));
    }
  }

  /// How many bytes the tensor's data take.
  public long byteSize() {
    return end - begin;
  }

  /// How many elements the tensor has; 1 for a scalar.
  public long elements() {
    return byteSize() / type.bytes();
  }
}
