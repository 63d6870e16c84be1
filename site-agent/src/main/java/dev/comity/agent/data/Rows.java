package dev.comity.agent.data;

import java.util.Arrays;

/// Examples of one kind: a row-major float32 matrix `[count, width]` and a class number per row.
/// Immutable. `toString` tells no count.
public final class Rows {
  private final int width;
  private final float[] features;
  private final int[] labels;

  /// Copies both arrays; `features` holds `width` values for each of `labels`.
  public Rows(int width, float[] features, int[] labels) {
    if (width < 1 || (long) width * labels.length != features.length) {
      throw new IllegalArgumentException("rows of width " + width + " do not fill the features");
    }
    this.width = width;
    this.features = features.clone();
    this.labels = labels.clone();
  }

  public int count() {
    return labels.length;
  }

  public int width() {
    return width;
  }

  /// A fresh copy, row-major.
  public float[] features() {
    return features.clone();
  }

  /// A fresh copy, a class number per row.
  public int[] labels() {
    return labels.clone();
  }

  /// These rows, then those of `other`.
  public Rows followedBy(Rows other) {
    if (other.width != width) {
      throw new IllegalArgumentException(
          "rows of width %d cannot follow rows of width %d".formatted(other.width, width));
    }
    float[] bothFeatures = Arrays.copyOf(features, features.length + other.features.length);
    System.arraycopy(other.features, 0, bothFeatures, features.length, other.features.length);
    int[] bothLabels = Arrays.copyOf(labels, labels.length + other.labels.length);
    System.arraycopy(other.labels, 0, bothLabels, labels.length, other.labels.length);
    return new Rows(width, bothFeatures, bothLabels);
  }

  float feature(int row, int column) {
    return features[row * width + column];
  }

  @Override
  public String toString() {
    return "Rows[width " + width + "]";
  }
}
