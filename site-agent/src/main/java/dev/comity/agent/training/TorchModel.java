package dev.comity.agent.training;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.core.Linear;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.JniUtils;
import dev.comity.plan.Architecture;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;

/// A built-in model in libtorch whose parameters live in one flat buffer of ours: linear layers
/// with ReLU between them, one logit per output. Batches of at most `batchSize` rows.
///
/// Created, used and closed on one thread: libtorch's gradient mode and thread count belong to the
/// thread. One libtorch thread, buffers aligned to 64 bytes: the same calls give the same bits.
final class TorchModel implements AutoCloseable {
  private static final int ALIGNMENT = 64;

  private final int inputs;
  private final boolean binary;
  private final boolean gradientsBefore;
  private final Arena arena = Arena.ofAuto(); // freed with the last buffer that uses it
  private final NDManager manager;
  private final ByteBuffer parameters;
  private final FloatBuffer values;
  private final ByteBuffer featureBytes;
  private final FloatBuffer features;
  private final ByteBuffer targetBytes;
  private final List<Parameter> tensors = new ArrayList<>();

  /// A tensor and where it lies in the flat vector.
  private static final class Parameter {
    private final NDArray value;
    private final int offset;
    private final int length;
    private FloatBuffer gradient = FloatBuffer.allocate(0);

    Parameter(NDArray value, int offset, int length) {
      this.value = value;
      this.offset = offset;
      this.length = length;
    }
  }

  TorchModel(Architecture architecture, int batchSize) {
    var engine = Engine.getEngine("PyTorch");
    gradientsBefore = JniUtils.isGradMode();
    JniUtils.setGradMode(true);
    JniUtils.setNumThreads(1);
    inputs = architecture.inputs();
    binary = architecture.binary();
    manager = engine.newBaseManager(Device.cpu());
    long size = 0;
    var widths = architecture.widths();
    for (int layer = 1; layer < widths.size(); layer++) {
      size += (widths.get(layer - 1) + 1L) * widths.get(layer);
    }
    parameters = allocate(Math.multiplyExact(size, Float.BYTES));
    values = parameters.asFloatBuffer();
    featureBytes = allocate((long) batchSize * inputs * Float.BYTES);
    features = featureBytes.asFloatBuffer();
    targetBytes = allocate((long) batchSize * Long.BYTES);
    int offset = 0;
    for (int layer = 1; layer < widths.size(); layer++) {
      int in = widths.get(layer - 1);
      int out = widths.get(layer);
      offset = addParameter(offset, in * out, new Shape(out, in));
      offset = addParameter(offset, out, new Shape(out));
    }
  }

  /// The parameters themselves, flat: writing here changes the model.
  FloatBuffer values() {
    return values;
  }

  /// Mean loss of the batch; its gradient is then told by [#forEachGradient].
  float backward(Examples examples, int[] rows) {
    try (var scope = manager.newSubManager()) {
      var logits = forward(scope, examples, rows);
      var loss =
          binary
              ? binaryLoss(scope, logits, examples, rows)
              : classLoss(scope, logits, examples, rows);
      JniUtils.backward((PtNDArray) loss, (PtNDArray) scope.ones(new Shape()), false, false);
      for (var tensor : tensors) {
        if (tensor.gradient.capacity() == 0) {
          // libtorch adds every later gradient to this same memory
          var gradient = tensor.value.getGradient();
          tensor.gradient =
              gradient.toByteBuffer(true).order(ByteOrder.nativeOrder()).asFloatBuffer();
        }
      }
      return loss.getFloat();
    }
  }

  /// Replaces each parameter by what `step` makes of it, in flat order, and zeroes the gradients.
  void update(Step step) {
    for (var tensor : tensors) {
      for (int i = 0; i < tensor.length; i++) {
        int at = tensor.offset + i;
        values.put(at, step.next(at, values.get(at), tensor.gradient.get(i)));
        tensor.gradient.put(i, 0);
      }
    }
  }

  /// The rule of one optimizer step for one parameter.
  @FunctionalInterface
  interface Step {
    float next(int index, float value, float gradient);
  }

  /// Logits `[rows.length, outputs]`, row-major, without gradients.
  float[] logits(Examples examples, int[] rows) {
    JniUtils.setGradMode(false);
    try (var scope = manager.newSubManager()) {
      return forward(scope, examples, rows).toFloatArray();
    } finally {
      JniUtils.setGradMode(true);
    }
  }

  @Override
  public void close() {
    manager.close();
    JniUtils.setGradMode(gradientsBefore);
  }

  private NDArray forward(NDManager scope, Examples examples, int[] rows) {
    for (int i = 0; i < rows.length; i++) {
      examples.copyFeatures(rows[i], features, i * inputs);
    }
    NDArray activation =
        scope.create(
            slice(featureBytes, 0, rows.length * inputs * Float.BYTES),
            new Shape(rows.length, inputs),
            DataType.FLOAT32);
    for (int layer = 0; layer < tensors.size(); layer += 2) {
      if (layer > 0) {
        activation = Activation.relu(activation);
      }
      activation =
          Linear.linear(activation, tensors.get(layer).value, tensors.get(layer + 1).value)
              .singletonOrThrow();
    }
    return activation;
  }

  /// Mean of max(z, 0) − z·y + log(1 + e^−|z|), which does not overflow.
  private NDArray binaryLoss(NDManager scope, NDArray logits, Examples examples, int[] rows) {
    for (int i = 0; i < rows.length; i++) {
      targetBytes.putFloat(i * Float.BYTES, examples.label(rows[i]));
    }
    var targets =
        scope.create(
            slice(targetBytes, 0, rows.length * Float.BYTES),
            new Shape(rows.length, 1),
            DataType.FLOAT32);
    return Activation.relu(logits)
        .sub(logits.mul(targets))
        .add(Activation.softPlus(logits.abs().neg()))
        .mean();
  }

  /// Mean of −log softmax(z)[y].
  private NDArray classLoss(NDManager scope, NDArray logits, Examples examples, int[] rows) {
    for (int i = 0; i < rows.length; i++) {
      targetBytes.putLong(i * Long.BYTES, examples.label(rows[i]));
    }
    var targets =
        scope.create(
            slice(targetBytes, 0, rows.length * Long.BYTES),
            new Shape(rows.length, 1),
            DataType.INT64);
    return logits.logSoftmax(1).gather(targets, 1).neg().mean();
  }

  private int addParameter(int offset, int length, Shape shape) {
    var bytes = slice(parameters, offset * Float.BYTES, length * Float.BYTES);
    var value = manager.create(bytes, shape, DataType.FLOAT32);
    value.setRequiresGradient(true);
    tensors.add(new Parameter(value, offset, length));
    return offset + length;
  }

  private ByteBuffer allocate(long bytes) {
    return arena.allocate(bytes, ALIGNMENT).asByteBuffer().order(ByteOrder.nativeOrder());
  }

  private static ByteBuffer slice(ByteBuffer buffer, int from, int length) {
    return buffer.slice(from, length).order(ByteOrder.nativeOrder());
  }
}
