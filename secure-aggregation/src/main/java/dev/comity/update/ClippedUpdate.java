package dev.comity.update;

import dev.comity.plan.VectorLayout;
import dev.comity.plan.VectorLayout.Kind;
import java.lang.foreign.MemorySegment;

/// An update whose L2 norm is at most the plan's clip norm. The only way on is [#encode].
public final class ClippedUpdate {
  private final MemorySegment delta;
  private final double factor;
  private final double weight;
  private final Metrics metrics;

  ClippedUpdate(MemorySegment delta, double factor, double weight, Metrics metrics) {
    this.delta = delta;
    this.factor = factor;
    this.weight = weight;
    this.metrics = metrics;
  }

  /// Rounds every coordinate to the ring: `z = ⌊S·x + U⌋`, unbiased, `U` from `key`.
  ///
  /// The `update` block carries `w·u`, so that sums of it and of `w` give the weighted mean; a
  /// layout without a weight has every site count alike, and one without metrics has none. The same
  /// update, layout and key give the same bytes.
  ///
  /// @throws IllegalArgumentException when the layout has another shape than this update, a width
  ///   or block that this version does not encode, or a bound that a metric exceeds
  public EncodedUpdate encode(VectorLayout layout, RoundingKey key) {
    var rounding = new StochasticRounding(layout, key);
    for (var block : layout.blocks()) {
      switch (block.kind()) {
        case UPDATE -> {
          requireLength(block, delta.byteSize() / Float.BYTES);
          double factor = layout.block(Kind.WEIGHT).length() == 0 ? 1 : weight;
          rounding.clamped(block, i -> factor * coordinate(i, block.bound()));
        }
        case WEIGHT -> {
          if (block.length() > 0) {
            requireLength(block, delta.byteSize() == 0 ? 0 : 1);
          }
          rounding.bounded(block, _ -> weight);
        }
        case COUNT -> {
          requireLength(block, 1);
          rounding.bounded(block, _ -> 1);
        }
        case ZEROS -> rounding.bounded(block, _ -> 0);
        case METRICS_LOSS -> {
          if (block.length() > 0) {
            requireLength(block, 1);
          }
          rounding.bounded(block, _ -> metrics.lossSum());
        }
        case METRICS_COUNTS -> {
          if (block.length() > 0) {
            requireLength(block, 2 + metrics.negatives().size() + metrics.positives().size());
          }
          rounding.bounded(block, i -> count(Math.toIntExact(i)));
        }
        case NORMALISATION, ENERGY -> requireLength(block, 0);
      }
    }
    return new EncodedUpdate(layout, rounding.ring());
  }

  /// Coordinate `i` after both clips.
  double coordinate(long i, double bound) {
    return Math.clamp(delta.get(Ring.FLOAT, Float.BYTES * i) * factor, -bound, bound);
  }

  private long count(int i) {
    return switch (i) {
      case 0 -> metrics.correct();
      case 1 -> metrics.examples();
      default -> {
        int bin = i - 2;
        int bins = metrics.negatives().size();
        yield bin < bins ? metrics.negatives().get(bin) : metrics.positives().get(bin - bins);
      }
    };
  }

  private static void requireLength(VectorLayout.Block block, long expected) {
    if (block.length() != expected) {
      throw new IllegalArgumentException(
          "block %s has length %d in the layout: this update needs %d"
              .formatted(block.kind(), block.length(), expected));
    }
  }
}
