package dev.comity.formats;

import java.util.List;

/// The server optimizer's state beside a model version: two float32 vectors, each as long as the
/// model, the first moment `m` and the second moment `v`; zeros at version 0.
public final class OptimizerStateFile {
  private final float[] firstMoment;
  private final float[] secondMoment;

  private OptimizerStateFile(float[] firstMoment, float[] secondMoment) {
    this.firstMoment = firstMoment;
    this.secondMoment = secondMoment;
  }

  /// A writer of both vectors, which have the same length and are not copied.
  public static SafetensorsWriter encode(
      float[] firstMoment, float[] secondMoment, WeightsProvenance provenance) {
    if (firstMoment.length != secondMoment.length) {
      throw new IllegalArgumentException(
          "m has %d elements, v has %d; both have one for each parameter"
              .formatted(firstMoment.length, secondMoment.length));
    }
    var shape = List.of((long) firstMoment.length);
    return provenance.writer().floats("m", shape, firstMoment).floats("v", shape, secondMoment);
  }

  /// The state in a file, for a model of `size` parameters.
  public static OptimizerStateFile decode(int size, SafetensorsFile file) {
    var tensors = List.of(new TensorShape("m", List.of(size)), new TensorShape("v", List.of(size)));
    var found = WeightsFile.exactly(tensors, file);
    return new OptimizerStateFile(finite(found.get(0), file), finite(found.get(1), file));
  }

  private static float[] finite(TensorInfo tensor, SafetensorsFile file) {
    var values = file.floats(tensor.name());
    WeightsFile.requireFinite(tensor, values, 0);
    return values;
  }

  /// The first moment `m`; the caller may change it.
  public float[] firstMoment() {
    return firstMoment;
  }

  /// The second moment `v`; the caller may change it.
  public float[] secondMoment() {
    return secondMoment;
  }
}
