package dev.comity.plan;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Where each trainable tensor lies in the flat float32 vector of parameters: in order, without
/// gaps.
public record ParameterLayout(List<Tensor> tensors) {
  /// At most this many parameters: the flat vector is one Java array.
  public static final long MAX_PARAMETERS = 1L << 30;

  /// One tensor, row-major. `offset` counts elements from the start of the vector.
  public record Tensor(String name, List<Integer> shape, long offset) {
    public Tensor {
      shape = List.copyOf(shape);
      if (name.isBlank()) {
        throw new IllegalArgumentException("a tensor needs a name");
      }
      for (int extent : shape) {
        if (extent < 1) {
          throw new IllegalArgumentException(
              "tensor %s: each extent of shape %s must be >= 1".formatted(name, shape));
        }
      }
    }

    /// How many elements it has.
    public long size() {
      long size = 1;
      for (int extent : shape) {
        size = Math.multiplyExact(size, (long) extent);
      }
      return size;
    }
  }

  public ParameterLayout {
    tensors = List.copyOf(tensors);
    if (tensors.isEmpty()) {
      throw new IllegalArgumentException("parameters: must name at least one tensor");
    }
    Set<String> names = new HashSet<>();
    long offset = 0;
    for (Tensor tensor : tensors) {
      if (!names.add(tensor.name())) {
        throw new IllegalArgumentException("parameters: tensor %s twice".formatted(tensor.name()));
      }
      if (tensor.offset() != offset) {
        throw new IllegalArgumentException(
            "parameters: tensor %s at offset %d; must be at %d, after the tensors before it"
                .formatted(tensor.name(), tensor.offset(), offset));
      }
      offset += sizeWithin(tensor, MAX_PARAMETERS - offset);
    }
  }

  /// The layout of a built-in model: each layer's weight [out, in], then its bias [out]. The layers
  /// of `mlp` are `fc1`, `fc2` and so on; the one of `logistic-regression` is `linear`.
  public static ParameterLayout of(Architecture architecture) {
    List<Tensor> tensors = new ArrayList<>();
    List<Integer> widths = architecture.widths();
    long offset = 0;
    for (int layer = 1; layer < widths.size(); layer++) {
      String name =
          architecture.family().equals(Architecture.LOGISTIC_REGRESSION) ? "linear" : "fc" + layer;
      Tensor weight =
          new Tensor(name + ".weight", List.of(widths.get(layer), widths.get(layer - 1)), offset);
      Tensor bias = new Tensor(name + ".bias", List.of(widths.get(layer)), offset + weight.size());
      tensors.add(weight);
      tensors.add(bias);
      offset = bias.offset() + bias.size();
    }
    return new ParameterLayout(tensors);
  }

  /// How many parameters there are.
  public long size() {
    Tensor last = tensors.getLast();
    return last.offset() + last.size();
  }

  public Digest digest() {
    return Digest.of(PlanCodec.encode(this));
  }

  private static long sizeWithin(Tensor tensor, long room) {
    long size;
    try {
      size = tensor.size();
    } catch (ArithmeticException e) {
      throw tooLarge(tensor, e);
    }
    if (size > room) {
      throw tooLarge(tensor, null);
    }
    return size;
  }

  private static IllegalArgumentException tooLarge(Tensor tensor, @Nullable Throwable cause) {
    return new IllegalArgumentException(
        "parameters: with tensor %s there are more than %d; choose a smaller model"
            .formatted(tensor.name(), MAX_PARAMETERS),
        cause);
  }
}
