package dev.comity.agent.training;

import dev.comity.plan.Digest;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;

/// Examples to train or evaluate on: a row-major float32 matrix `[count, width]` and a class number
/// per row. Immutable. `toString` tells no count.
public final class Examples {
  private final int width;
  private final float[] features;
  private final int[] labels;

  /// Copies both arrays; `features` holds `width` values for each of `labels`, which are >= 0.
  public Examples(int width, float[] features, int[] labels) {
    if (width < 1 || labels.length == 0 || (long) width * labels.length != features.length) {
      throw new IllegalArgumentException(
          "examples of width " + width + " must fill the features and be at least one");
    }
    for (int label : labels) {
      if (label < 0) {
        throw new IllegalArgumentException("a label is a class number from 0");
      }
    }
    this.width = width;
    this.features = features.clone();
    this.labels = labels.clone();
  }

  public int width() {
    return width;
  }

  int count() {
    return labels.length;
  }

  int label(int row) {
    return labels[row];
  }

  /// Copies the features of `row` to `target` from element `at`.
  void copyFeatures(int row, FloatBuffer target, int at) {
    target.put(at, features, row * width, width);
  }

  /// Of width, features and labels. Never leaves the site.
  Digest digest() {
    var bytes = ByteBuffer.allocate(Integer.BYTES);
    bytes.putInt(width);
    var featureBytes = ByteBuffer.allocate(Math.multiplyExact(features.length, Float.BYTES));
    featureBytes.asFloatBuffer().put(features);
    var labelBytes = ByteBuffer.allocate(Math.multiplyExact(labels.length, Integer.BYTES));
    labelBytes.asIntBuffer().put(labels);
    return Digest.ofAll(bytes.array(), featureBytes.array(), labelBytes.array());
  }

  @Override
  public String toString() {
    return "Examples[width " + width + "]";
  }
}
