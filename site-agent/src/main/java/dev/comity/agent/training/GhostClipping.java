package dev.comity.agent.training;

import dev.comity.plan.Architecture;
import java.nio.FloatBuffer;
import java.util.Arrays;

/// Clips without making any example's gradient (Goodfellow 2015; Li et al. 2021, "ghost clipping").
/// In a linear layer with input x and δ the derivative of the example's loss by the layer's output,
/// the gradient of the weights is δxᵀ and that of the bias δ, so its squared norm over all layers
/// is Σ (‖x‖² + 1)‖δ‖²; with c the factors that follow, the clipped sum is (c·δ)ᵀx. δ goes
/// backwards through the layers by the chain rule: ReLU passes it on where its output is above 0.
///
/// All in float64, row by row in a fixed order: the gradient of an example does not depend, not by
/// a bit, on what else is in the sample. A matrix product of libtorch does not promise that, and
/// its float32 bits do change with a row's place. Examples are taken in blocks of [#BLOCK], so
/// memory does not grow with the sample.
final class GhostClipping implements PerExampleGradients {
  private static final int BLOCK = 64;

  private final FloatBuffer parameters;
  private final Layer[] layers;
  private final boolean binary;
  private final double clip;
  private final float[] features;

  /// A linear layer, with room for what passes through it. Matrices are row-major; those of the
  /// block are `[BLOCK, in]` and `[BLOCK, out]`.
  private static final class Layer {
    private final int in;
    private final int out;
    private final int offset;
    private final double[] weights; // [out, in]
    private final double[] transposed; // [in, out]
    private final double[] bias;
    private final double[] inputs;
    private final double[] deltas;

    Layer(int in, int out, int offset) {
      this.in = in;
      this.out = out;
      this.offset = offset;
      this.weights = new double[in * out];
      this.transposed = new double[in * out];
      this.bias = new double[out];
      this.inputs = new double[BLOCK * in];
      this.deltas = new double[BLOCK * out];
    }

    int parameters() {
      return in * out + out;
    }

    void read(FloatBuffer values) {
      for (int o = 0; o < out; o++) {
        for (int i = 0; i < in; i++) {
          double weight = values.get(offset + o * in + i);
          weights[o * in + i] = weight;
          transposed[i * out + o] = weight;
        }
        bias[o] = values.get(offset + in * out + o);
      }
    }

    /// Writes the outputs of row `row` to `target` from `at`.
    void forward(int row, double[] target, int at) {
      System.arraycopy(bias, 0, target, at, out);
      for (int i = 0; i < in; i++) {
        addMultiple(inputs[row * in + i], transposed, i * out, target, at, out);
      }
    }

    /// Writes the derivatives by the inputs of row `row` to `target` from `at`.
    void backward(int row, double[] target, int at) {
      Arrays.fill(target, at, at + in, 0);
      for (int o = 0; o < out; o++) {
        addMultiple(deltas[row * out + o], weights, o * in, target, at, in);
      }
    }

    double squaredNorm(int row) {
      return (squares(inputs, row * in, in) + 1) * squares(deltas, row * out, out);
    }

    /// Adds the weighted gradients of the first rows, as many as there are factors.
    void addGradients(double[] factors, double[] sum) {
      for (int o = 0; o < out; o++) {
        for (int row = 0; row < factors.length; row++) {
          if (factors[row] > 0) {
            double delta = factors[row] * deltas[row * out + o];
            addMultiple(delta, inputs, row * in, sum, offset + o * in, in);
            sum[offset + in * out + o] += delta;
          }
        }
      }
    }
  }

  GhostClipping(TorchModel model, Architecture architecture, double clip) {
    this.parameters = model.values();
    this.binary = architecture.binary();
    this.clip = clip;
    this.features = new float[architecture.inputs()];
    var widths = architecture.widths();
    this.layers = new Layer[widths.size() - 1];
    int offset = 0;
    for (int i = 0; i < layers.length; i++) {
      layers[i] = new Layer(widths.get(i), widths.get(i + 1), offset);
      offset += layers[i].parameters();
    }
  }

  @Override
  public void addClipped(Examples examples, int[] rows, double[] sum) {
    for (var layer : layers) {
      layer.read(parameters);
    }
    for (int from = 0; from < rows.length; from += BLOCK) {
      var factors = new double[Math.min(BLOCK, rows.length - from)];
      for (int row = 0; row < factors.length; row++) {
        factors[row] = pass(examples, rows[from + row], row);
      }
      for (var layer : layers) {
        layer.addGradients(factors, sum);
      }
    }
  }

  /// Takes an example through the layers and back, in row `row` of the block; gives its factor.
  private double pass(Examples examples, int example, int row) {
    var first = layers[0];
    examples.copyFeatures(example, FloatBuffer.wrap(features), 0);
    for (int i = 0; i < features.length; i++) {
      first.inputs[row * first.in + i] = features[i];
    }
    for (int l = 0; l + 1 < layers.length; l++) {
      var next = layers[l + 1];
      layers[l].forward(row, next.inputs, row * next.in);
      for (int i = row * next.in; i < (row + 1) * next.in; i++) {
        next.inputs[i] = Math.max(next.inputs[i], 0); // keeps NaN
      }
    }
    var last = layers[layers.length - 1];
    last.forward(row, last.deltas, row * last.out);
    if (!lossDelta(last.deltas, row * last.out, last.out, examples.label(example))) {
      return 0;
    }
    double squares = last.squaredNorm(row);
    for (int l = layers.length - 1; l > 0; l--) {
      var before = layers[l - 1];
      layers[l].backward(row, before.deltas, row * before.out);
      for (int i = row * before.out; i < (row + 1) * before.out; i++) {
        if (!(layers[l].inputs[i] > 0)) {
          before.deltas[i] = 0;
        }
      }
      squares += before.squaredNorm(row);
    }
    return PerExampleGradients.factor(squares, clip);
  }

  /// Replaces logits z by the derivative of the loss: σ(z) − y for one output, softmax(z) − e_y for
  /// several. False where a logit is not finite or the model has no class `label`.
  private boolean lossDelta(double[] values, int at, int outputs, int label) {
    if (label >= (binary ? 2 : outputs)) {
      return false;
    }
    double most = Double.NEGATIVE_INFINITY;
    for (int i = at; i < at + outputs; i++) {
      if (!Double.isFinite(values[i])) {
        return false;
      }
      most = Math.max(most, values[i]);
    }
    if (binary) {
      values[at] = 1 / (1 + StrictMath.exp(-values[at])) - label;
      return true;
    }
    double total = 0;
    for (int i = at; i < at + outputs; i++) {
      values[i] = StrictMath.exp(values[i] - most);
      total += values[i];
    }
    for (int i = at; i < at + outputs; i++) {
      values[i] /= total;
    }
    values[at + label] -= 1;
    return true;
  }

  private static double squares(double[] values, int from, int count) {
    double squares = 0;
    for (int i = from; i < from + count; i++) {
      squares += values[i] * values[i];
    }
    return squares;
  }

  private static void addMultiple(
      double factor, double[] source, int from, double[] target, int at, int count) {
    for (int i = 0; i < count; i++) {
      target[at + i] += factor * source[from + i];
    }
  }
}
