package dev.comity.formats;

import java.util.List;
import java.util.Objects;

/// Name and shape of a float32 tensor of a model, row-major. Every dimension is at least 1; a shape
/// without dimensions is a scalar.
public record TensorShape(String name, List<Integer> shape) {
  public TensorShape {
    Objects.requireNonNull(name);
    shape = List.copyOf(shape);
    if (name.isBlank() || name.equals(SafetensorsHeader.METADATA)) {
      throw new IllegalArgumentException(
          "tensor name '" + name + "' must not be blank or " + SafetensorsHeader.METADATA);
    }
    for (int dimension : shape) {
      if (dimension < 1) {
        throw new IllegalArgumentException(
            "tensor %s: every dimension of %s must be >= 1".formatted(name, shape));
      }
    }
    if (ElementType.F32.bytes(widened(shape)).isEmpty()) {
      throw new IllegalArgumentException(
          "tensor %s: %s has more than %d bytes".formatted(name, shape, Long.MAX_VALUE));
    }
  }

  /// How many elements the tensor has.
  public long size() {
    return shape.stream().mapToLong(Integer::longValue).reduce(1, (left, right) -> left * right);
  }

  /// The shape as a file states it.
  List<Long> fileShape() {
    return widened(shape);
  }

  /// How many elements `tensors` have together, which one `float[]` must be able to hold.
  static int totalSize(List<TensorShape> tensors) {
    long total = 0;
    for (var tensor : tensors) {
      total += tensor.size();
      if (total > Integer.MAX_VALUE - 8) {
        throw new IllegalArgumentException(
            "tensors up to %s have %d elements together; the limit is %d: use a smaller model"
                .formatted(tensor.name(), total, Integer.MAX_VALUE - 8));
      }
    }
    return (int) total;
  }

  private static List<Long> widened(List<Integer> shape) {
    return shape.stream().map(Integer::longValue).toList();
  }
}
