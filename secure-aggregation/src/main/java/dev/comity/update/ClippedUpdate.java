package dev.comity.update;

import dev.comity.plan.Digest;
import dev.comity.plan.VectorLayout;
import dev.comity.plan.VectorLayout.Kind;
import java.lang.foreign.MemorySegment;
import java.util.function.LongToDoubleFunction;

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

  /// Rounds every coordinate to the ring: `z = ⌊S·x + U⌋`, unbiased, `U` from `key`; where the
  /// layout rotates, of the rotated update, clipped to the bound of its block. Under distributed
  /// noise rounding is repeated until the norm is within [VectorLayout#sensitivity], and the noise
  /// is drawn before the update is looked at.
  ///
  /// The `update` block carries `w·u`, so that sums of it and of `w` give the weighted mean; a
  /// layout without a weight has every site count alike, and one without metrics has none. The same
  /// update, layout and key give the same bytes.
  ///
  /// @throws IllegalArgumentException when the layout has another shape than this update, a block
  ///   that this version does not encode, or a bound that a metric exceeds
  public EncodedUpdate encode(VectorLayout layout, RoundingKey key) {
    var noise = DiscreteNoise.draw(layout, key);
    var rounding = new StochasticRounding(layout, key);
    for (var block : layout.blocks()) {
      switch (block.kind()) {
        case UPDATE -> encode(layout, rounding);
        case WEIGHT -> {
          if (block.length() > 0) {
            requireValues(block, delta.byteSize() == 0 ? 0 : 1);
          }
          rounding.bounded(block, _ -> weight);
        }
        case COUNT -> {
          requireValues(block, 1);
          rounding.bounded(block, _ -> 1);
        }
        case ZEROS -> rounding.bounded(block, _ -> 0);
        case METRICS_LOSS -> {
          if (block.length() > 0) {
            requireValues(block, 1);
          }
          rounding.bounded(block, _ -> metrics.lossSum());
        }
        case METRICS_COUNTS -> {
          if (block.length() > 0) {
            requireValues(block, 2 + metrics.negatives().size() + metrics.positives().size());
          }
          rounding.bounded(block, i -> count(Math.toIntExact(i)));
        }
        case NORMALISATION, ENERGY -> requireValues(block, 0);
      }
    }
    return new EncodedUpdate(layout, rounding.elements(), noise);
  }

  private void encode(VectorLayout layout, StochasticRounding rounding) {
    var block = layout.block(Kind.UPDATE);
    long parameters = delta.byteSize() / Float.BYTES;
    if (layout.update().parameters() != parameters) {
      throw new IllegalArgumentException(
          "block UPDATE holds %d parameters in the layout: this update has %d"
              .formatted(layout.update().parameters(), parameters));
    }
    double share = layout.block(Kind.WEIGHT).length() == 0 ? 1 : weight;
    double norm = layout.update().norm();
    LongToDoubleFunction plain = i -> share * coordinate(i, norm);
    LongToDoubleFunction values =
        layout.update().rotation().map(seed -> rotated(seed, block, plain)).orElse(plain);
    if (layout.update().noiseVariance() > 0) {
      rounding.conditioned(block, values, layout.sensitivity());
    } else {
      rounding.clamped(block, values);
    }
  }

  private LongToDoubleFunction rotated(
      Digest seed, VectorLayout.Block block, LongToDoubleFunction plain) {
    var rotated = new Rotation(seed, block.length()).rotate(delta.byteSize() / Float.BYTES, plain);
    return i ->
        Math.clamp(rotated.get(Ring.DOUBLE, Double.BYTES * i), -block.bound(), block.bound());
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

  private static void requireValues(VectorLayout.Block block, long expected) {
    if (block.values() != expected) {
      throw new IllegalArgumentException(
          "block %s holds %d values in the layout: this update needs %d"
              .formatted(block.kind(), block.values(), expected));
    }
  }
}
