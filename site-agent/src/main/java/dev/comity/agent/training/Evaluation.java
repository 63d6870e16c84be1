package dev.comity.agent.training;

import java.util.List;

/// A model on a site's test examples, as sums: each example's loss capped, then added in float64;
/// how many were classified right; how many there were; and for a binary model how many negatives,
/// then positives, fell into each of [#BINS] equal bins of the sigmoid score (else empty).
///
/// Loss and score are computed from the float32 logits by `StrictMath`, in the order of the
/// examples.
public record Evaluation(double lossSum, long correct, long examples, List<Long> histogram) {
  /// Score bins per class.
  public static final int BINS = 32;

  public Evaluation {
    histogram = List.copyOf(histogram);
    if (!histogram.isEmpty() && histogram.size() != 2 * BINS) {
      throw new IllegalArgumentException("a histogram has " + 2 * BINS + " counts or none");
    }
  }

  /// In [0, 1].
  public double accuracy() {
    return (double) correct / examples;
  }

  /// Tells nothing: these are the site's own.
  @Override
  public String toString() {
    return "Evaluation[redacted]";
  }
}
