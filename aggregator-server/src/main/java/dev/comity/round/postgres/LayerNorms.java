package dev.comity.round.postgres;

import dev.comity.plan.ParameterLayout;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/// What the dashboard shows of an aggregate, tensor by tensor: the L2 norm of the mean update, the
/// L2 distance of the new weights from version 0, and the cosine between this mean update and the
/// one before.
final class LayerNorms {

  private LayerNorms() {}

  /// `previous` is null in the first round. A cosine with a zero vector is left out.
  static List<Map<String, Object>> of(
      ParameterLayout layout,
      float[] mean,
      float[] weights,
      float[] initial,
      float @Nullable [] previous) {
    var layers = new ArrayList<Map<String, Object>>();
    try (var updates = Nd4j.createFromArray(mean);
        var drift = Nd4j.createFromArray(weights);
        var start = Nd4j.createFromArray(initial);
        var before = previous == null ? null : Nd4j.createFromArray(previous)) {
      drift.subi(start);
      for (var tensor : layout.tensors()) {
        var layer = new LinkedHashMap<String, Object>();
        layer.put("layer", tensor.name());
        layer.put("norm", norm(updates, tensor));
        layer.put("drift", norm(drift, tensor));
        if (before != null) {
          var scale = norm(updates, tensor) * norm(before, tensor);
          if (scale > 0) {
            layer.put("cosine", dot(updates, before, tensor) / scale);
          }
        }
        layers.add(layer);
      }
    }
    return layers;
  }

  private static double norm(INDArray values, ParameterLayout.Tensor tensor) {
    return Math.sqrt(dot(values, values, tensor));
  }

  private static double dot(INDArray left, INDArray right, ParameterLayout.Tensor tensor) {
    try (var a = slice(left, tensor);
        var b = slice(right, tensor);
        var product = a.mul(b)) {
      return product.sumNumber().doubleValue();
    }
  }

  private static INDArray slice(INDArray values, ParameterLayout.Tensor tensor) {
    return values
        .get(NDArrayIndex.interval(tensor.offset(), tensor.offset() + tensor.size()))
        .castTo(DataType.DOUBLE);
  }
}
