package dev.comity.formats;

import java.util.ArrayList;
import java.util.List;

/// A model that a researcher names instead of bringing: its parameters and their initial values
/// follow from family, widths and seed, so that every site recomputes version 0 by itself.
///
/// | family | widths | tensors |
/// |---|---|---|
/// | `logistic-regression` | inputs, outputs | `linear.weight`, `linear.bias` |
/// | `mlp` | inputs, hidden…, outputs | `fc1.weight`, `fc1.bias`, `fc2.weight`, … |
///
/// A weight is `[outputs, inputs]`, a bias `[outputs]`, as in PyTorch's `Linear`. Between the
/// layers of an `mlp` stands a ReLU; the last layer gives logits.
public record BuiltInModel(String family, List<Integer> widths) {
  /// One linear layer.
  public static final String LOGISTIC_REGRESSION = "logistic-regression";

  /// Linear layers with a ReLU between them.
  public static final String MLP = "mlp";

  public BuiltInModel {
    widths = List.copyOf(widths);
    switch (family) {
      case LOGISTIC_REGRESSION -> {
        if (widths.size() != 2) {
          throw new IllegalArgumentException(
              "widths %s of logistic-regression must be [inputs, outputs]".formatted(widths));
        }
      }
      case MLP -> {
        if (widths.size() < 3) {
          throw new IllegalArgumentException(
              ("widths %s of mlp must be [inputs, hidden…, outputs] with at least one hidden layer;"
                      + " without one, use logistic-regression")
                  .formatted(widths));
        }
      }
      default ->
          throw new IllegalArgumentException(
              "unknown model family '%s'; known: %s, %s"
                  .formatted(family, LOGISTIC_REGRESSION, MLP));
    }
    for (int width : widths) {
      if (width < 1) {
        throw new IllegalArgumentException(
            "every width of %s %s must be >= 1".formatted(family, widths));
      }
    }
    TensorShape.totalSize(tensors(family, widths));
  }

  /// The model of this family and these widths, or a refusal that names the value and the limit.
  public static BuiltInModel of(String family, List<Integer> widths) {
    return new BuiltInModel(family, widths);
  }

  /// Names and shapes of the trainable parameters, in the order of the flat vector.
  public List<TensorShape> tensors() {
    return tensors(family, widths);
  }

  /// How many parameters the model has.
  public int size() {
    return TensorShape.totalSize(tensors());
  }

  /// The parameters of version 0, flat, in the order of [#tensors()]: PyTorch's default for
  /// `Linear` (He et al. 2015, eq. 10, with a = √5), which is U(−1/√fan_in, 1/√fan_in) for weight
  /// and bias alike. The draws are not PyTorch's; they are exactly these, one per element in order:
  ///
  /// - `s ← s + 0x9E3779B97F4A7C15 mod 2⁶⁴`, starting from `seed`; `z` = the finaliser of
  ///   SplitMix64 over `s` (Steele et al. 2014, `mix64variant13`);
  /// - `u = ⌊z / 2⁴⁰⌋ · 2⁻²⁴`, in [0, 1);
  /// - value = `(2u − 1) · b` in float32, where 2u − 1 is exact and `b` is 1/√fan_in computed in
  ///   float64 and rounded to float32.
  public float[] initialValues(long seed) {
    var values = new float[size()];
    var uniform = new Uniform(seed);
    int next = 0;
    for (int layer = 0; layer + 1 < widths.size(); layer++) {
      int inputs = widths.get(layer);
      int end = next + (inputs + 1) * widths.get(layer + 1);
      float bound = (float) (1.0 / Math.sqrt(inputs));
      for (; next < end; next++) {
        values[next] = uniform.nextSigned() * bound;
      }
    }
    return values;
  }

  @Override
  public String toString() {
    return family + widths;
  }

  private static List<TensorShape> tensors(String family, List<Integer> widths) {
    var tensors = new ArrayList<TensorShape>();
    for (int layer = 1; layer < widths.size(); layer++) {
      String name = family.equals(MLP) ? "fc" + layer : "linear";
      int inputs = widths.get(layer - 1);
      int outputs = widths.get(layer);
      tensors.add(new TensorShape(name + ".weight", List.of(outputs, inputs)));
      tensors.add(new TensorShape(name + ".bias", List.of(outputs)));
    }
    return List.copyOf(tensors);
  }

  /// SplitMix64, 24 bits a draw.
  private static final class Uniform {
    private long state;

    Uniform(long seed) {
      state = seed;
    }

    /// Uniform over the multiples of 2⁻²³ in [−1, 1).
    float nextSigned() {
      state += 0x9E3779B97F4A7C15L;
      long z = (state ^ (state >>> 30)) * 0xBF58476D1CE4E5B9L;
      z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
      z ^= z >>> 31;
      return (z >>> 40) * 0x1p-23f - 1;
    }
  }
}
