package dev.comity.update;

import dev.comity.plan.VectorLayout;
import java.util.List;

/// Sums over examples: of one site before masking, of all survivors after.
///
/// @param lossSum sum of the capped losses, ≥ 0
/// @param correct examples classified correctly, at most `examples`
/// @param examples examples looked at
/// @param negatives for binary models, [VectorLayout#HISTOGRAM_BINS] counts of negative examples by
///   score, else empty
/// @param positives for binary models, as many counts of positive examples by score, else empty
public record Metrics(
    double lossSum, long correct, long examples, List<Long> negatives, List<Long> positives) {
  /// @throws DivergedException when the loss is not finite
  /// @throws IllegalArgumentException when a count or the shape of a histogram is impossible
  public Metrics {
    if (!Double.isFinite(lossSum)) {
      throw new DivergedException("the loss");
    }
    negatives = List.copyOf(negatives);
    positives = List.copyOf(positives);
    if (lossSum < 0) {
      throw new IllegalArgumentException("lossSum must be >= 0");
    }
    if (correct < 0 || correct > examples) {
      throw new IllegalArgumentException("correct must be between 0 and examples");
    }
    if (negatives.size() != positives.size()
        || !(negatives.isEmpty() || negatives.size() == VectorLayout.HISTOGRAM_BINS)) {
      throw new IllegalArgumentException(
          "histograms have %d and %d bins: both must have 0 or %d"
              .formatted(negatives.size(), positives.size(), VectorLayout.HISTOGRAM_BINS));
    }
    if (negatives.stream().anyMatch(each -> each < 0)
        || positives.stream().anyMatch(each -> each < 0)) {
      throw new IllegalArgumentException("a histogram count must be >= 0");
    }
  }

  /// Metrics of a model without score histograms.
  public static Metrics withoutHistograms(double lossSum, long correct, long examples) {
    return new Metrics(lossSum, correct, examples, List.of(), List.of());
  }

  /// Names no figure: a site's metrics belong in no log.
  @Override
  public String toString() {
    return "Metrics[redacted]";
  }
}
