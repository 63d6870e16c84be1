package dev.comity.formats;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/// What one element of a tensor is, by its name in a safetensors header. Only [#F32] is computed
/// with here; the others are known so that a file holding them can be checked and named.
public enum ElementType {
  F64(8),
  I64(8),
  U64(8),
  F32(4),
  I32(4),
  U32(4),
  F16(2),
  BF16(2),
  I16(2),
  U16(2),
  F8_E4M3(1),
  F8_E5M2(1),
  I8(1),
  U8(1),
  BOOL(1);

  private final int bytes;

  ElementType(int bytes) {
    this.bytes = bytes;
  }

  /// The bytes of one element: 1, 2, 4 or 8.
  public int bytes() {
    return bytes;
  }

  /// The bytes of a tensor of this type and shape; empty if they exceed 2⁶³ − 1 or a dimension is
  /// negative. A shape without dimensions is a scalar.
  Optional<Long> bytes(List<Long> shape) {
    long total = bytes;
    for (long dimension : shape) {
      if (dimension < 0 || Math.multiplyHigh(total, dimension) != 0 || total * dimension < 0) {
        return Optional.empty();
      }
      total *= dimension;
    }
    return Optional.of(total);
  }

  static Optional<ElementType> named(String name) {
    return Arrays.stream(values()).filter(type -> type.name().equals(name)).findFirst();
  }

  static String names() {
    return Arrays.stream(values()).map(Enum::name).collect(Collectors.joining(", "));
  }
}
