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

  /// A linear layer, with room for what passes through it. Matrices are arrays of rows: two rows at
  /// one index is what the JIT turns into vector instructions, offsets into one array it does not.
  private static final class Layer {
    private final int in;
    private final int out;
    private final int offset;
    private final double[][] weights; // [out, in]
    private final double[][] transposed; // [in, out]
    private final double[] bias;
    private final double[][] inputs; // [BLOCK, in]
    private final double[][] deltas; // [BLOCK, out]
    private final double[] gradient; // [in]

    Layer(int in, int out, int offset) {
      this.in = in;
      this.out = out;
      this.offset = offset;
      this.weights = new double[out][in];
      this.transposed = new double[in][out];
      this.bias = new double[out];
      this.inputs = new double[BLOCK][in];
      this.deltas = new double[BLOCK][out];
      this.gradient = new double[in];
    }

    int parameters() {
      return in * out + out;
    }

    void read(FloatBuffer values) {
      for (int o = 0; o < out; o++) {
        for (int i = 0; i < in; i++) {
          double weight = values.get(offset + o * in + i);
          weights[o][i] = weight;
          transposed[i][o] = weight;
        }
        bias[o] = values.get(offset + in * out + o);
      }
    }

    /// Writes the outputs of row `row` to `target`.
    void forward(int row, double[] target) {
      System.arraycopy(bias, 0, target, 0, out);
      for (int i = 0; i < in; i++) {
        addMultiple(inputs[row][i], transposed[i], target);
      }
    }

    /// Writes the derivatives by the inputs of row `row` to `target`.
    void backward(int row, double[] target) {
      Arrays.fill(target, 0);
      for (int o = 0; o < out; o++) {
        addMultiple(deltas[row][o], weights[o], target);
      }
    }

    double squaredNorm(int row) {
      return (squares(inputs[row]) + 1) * squares(deltas[row]);
    }

    /// Adds the weighted gradients of the first rows, as many as there are factors.
    void addGradients(double[] factors, double[] sum) {
      for (int o = 0; o < out; o++) {
        Arrays.fill(gradient, 0);
        for (int row = 0; row < factors.length; row++) {
          if (factors[row] > 0) {
            double delta = factors[row] * deltas[row][o];
            addMultiple(delta, inputs[row], gradient);
            sum[offset + in * out + o] += delta;
          }
        }
        for (int i = 0; i < in; i++) {
          sum[offset + o * in + i] += gradient[i];
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
    examples.copyFeatures(example, FloatBuffer.wrap(features), 0);
    double[] first = layers[0].inputs[row];
    for (int i = 0; i < features.length; i++) {
      first[i] = features[i];
    }
    for (int l = 0; l + 1 < layers.length; l++) {
      double[] activations = layers[l + 1].inputs[row];
      layers[l].forward(row, activations);
      for (int i = 0; i < activations.length; i++) {
        activations[i] = Math.max(activations[i], 0); // keeps NaN
      }
    }
    var last = layers[layers.length - 1];
    last.forward(row, last.deltas[row]);
    if (!lossDelta(last.deltas[row], examples.label(example))) {
      return 0;
    }
    double squares = last.squaredNorm(row);
    for (int l = layers.length - 1; l > 0; l--) {
      double[] deltas = layers[l - 1].deltas[row];
      layers[l].backward(row, deltas);
      for (int i = 0; i < deltas.length; i++) {
        if (!(layers[l].inputs[row][i] > 0)) {
          deltas[i] = 0;
        }
      }
      squares += layers[l - 1].squaredNorm(row);
    }
    return PerExampleGradients.factor(squares, clip);
  }

  /// Replaces logits z by the derivative of the loss: σ(z) − y for one output, softmax(z) − e_y for
  /// several. False where a logit is not finite or the model has no class `label`.
  private boolean lossDelta(double[] values, int label) {
    if (label >= (binary ? 2 : values.length)) {
      return false;
    }
    double most = Double.NEGATIVE_INFINITY;
    for (double logit : values) {
      if (!Double.isFinite(logit)) {
        return false;
      }
      most = Math.max(most, logit);
    }
    if (binary) {
      values[0] = 1 / (1 + StrictMath.exp(-values[0])) - label;
      return true;
    }
    double total = 0;
    for (int i = 0; i < values.length; i++) {
      values[i] = StrictMath.exp(values[i] - most);
      total += values[i];
    }
    for (int i = 0; i < values.length; i++) {
      values[i] /= total;
    }
    values[label] -= 1;
    return true;
  }

  private static double squares(double[] values) {
    double squares = 0;
    for (double value : values) {
      squares += value * value;
    }
    return squares;
  }

  /// Both of one length.
  private static void addMultiple(double factor, double[] source, double[] target) {
    for (int i = 0; i < target.length; i++) {
      target[i] += factor * source[i];
    }
  }
}
