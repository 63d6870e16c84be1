package dev.comity.formats;

import static dev.comity.formats.MalformedSafetensorsException.quote;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Collectors;

/// The weights of a model version: a safetensors file on one side, on the other one flat `float[]`
/// that holds the tensors of a layout one after the other, row-major.
public final class WeightsFile {
  private WeightsFile() {}

  /// A writer of `values`, which must hold exactly the elements of `tensors` and are not copied.
  public static SafetensorsWriter encode(
      List<TensorShape> tensors, float[] values, WeightsProvenance provenance) {
    int size = TensorShape.totalSize(tensors);
    if (values.length != size) {
      throw new IllegalArgumentException(
          "%d values for tensors of %d elements".formatted(values.length, size));
    }
    var writer = provenance.writer();
    var all = MemorySegment.ofArray(values);
    long offset = 0;
    for (var tensor : tensors) {
      long bytes = tensor.size() * Float.BYTES;
      writer.floats(tensor.name(), tensor.fileShape(), all.asSlice(offset, bytes));
      offset += bytes;
    }
    return writer;
  }

  /// The values of a file that holds exactly `tensors`, as float32 and finite; in the order of
  /// `tensors`, whatever the order in the file.
  public static float[] decode(List<TensorShape> tensors, SafetensorsFile file) {
    var values = new float[TensorShape.totalSize(tensors)];
    int offset = 0;
    for (var found : exactly(tensors, file)) {
      file.copyFloats(found, values, offset);
      requireFinite(found, values, offset);
      offset += (int) found.elements();
    }
    return values;
  }

  /// What `file` says of each of `tensors`, in that order, once it is sure that it holds these and
  /// no others.
  static List<TensorInfo> exactly(List<TensorShape> tensors, SafetensorsFile file) {
    var byName =
        file.tensors().stream().collect(Collectors.toMap(TensorInfo::name, Function.identity()));
    var found = new ArrayList<TensorInfo>();
    for (var tensor : tensors) {
      var info = byName.remove(tensor.name());
      if (info == null) {
        throw new MalformedSafetensorsException(
            "the file has no tensor %s; the layout has it with shape %s"
                .formatted(quote(tensor.name()), tensor.shape()));
      }
      if (!info.shape().equals(tensor.fileShape())) {
        throw new MalformedSafetensorsException(
            "tensor %s has shape %s; the layout has it with shape %s"
                .formatted(quote(tensor.name()), info.shape(), tensor.shape()));
      }
      found.add(info);
    }
    if (!byName.isEmpty()) {
      throw new MalformedSafetensorsException(
          "tensor %s is not in the layout, which has %s"
              .formatted(
                  quote(byName.keySet().iterator().next()),
                  tensors.stream().map(TensorShape::name).toList()));
    }
    return found;
  }

  static void requireFinite(TensorInfo tensor, float[] values, int offset) {
    for (int i = 0; i < tensor.elements(); i++) {
      if (!Float.isFinite(values[offset + i])) {
        throw new MalformedSafetensorsException(
            "tensor %s: element %d is not finite".formatted(quote(tensor.name()), i));
      }
    }
  }
}
