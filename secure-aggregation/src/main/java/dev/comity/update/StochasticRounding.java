package dev.comity.update;

import dev.comity.plan.VectorLayout;
import java.lang.foreign.MemorySegment;
import java.util.function.LongToDoubleFunction;

/// Writes real coordinates into the ring, in the order of the layout: `z = ⌊S·x + U⌋` with `U`
/// uniform in [0, 1). Coordinate `i` of the vector takes 53 bits from bytes `8i` to `8i + 8` of the
/// rounding key's AES-256-CTR stream.
///
/// Computed as `⌊v⌋ + [U' < v − ⌊v⌋]`, the same law (`U' = 1 − U`): `v − ⌊v⌋` is exact in double
/// while `v + U` could round up to the next integer and past the largest.
final class StochasticRounding {
  private final MemorySegment ring;
  private final double largest;
  private final Keystream stream;
  private MemorySegment uniforms = MemorySegment.NULL;
  private long uniformAt;
  private long coordinate;

  StochasticRounding(VectorLayout layout, RoundingKey key) {
    if (layout.bits() != Integer.SIZE) {
      throw new IllegalArgumentException(
          "vector of %d bits: this version encodes 32; set encoding.bits to 32"
              .formatted(layout.bits()));
    }
    ring = Ring.allocate(layout);
    largest = layout.largestCoordinate();
    stream = new Keystream();
    key.start(stream);
  }

  /// Rounds a block whose values are clipped to its bound before they come here.
  void clamped(VectorLayout.Block block, LongToDoubleFunction values) {
    for (long i = 0; i < block.length(); i++) {
      double scaled = Math.clamp(block.scale() * values.applyAsDouble(i), -largest, largest);
      ring.set(Ring.INT, Integer.BYTES * coordinate, round(scaled));
      coordinate++;
    }
  }

  /// Rounds a block whose values the plan bounds; one beyond is refused, without being named.
  void bounded(VectorLayout.Block block, LongToDoubleFunction values) {
    for (long i = 0; i < block.length(); i++) {
      if (!(Math.abs(values.applyAsDouble(i)) <= block.bound())) {
        throw new IllegalArgumentException(
            "coordinate %d of block %s is above its bound %s: raise maxExamples in the run"
                .formatted(i, block.kind(), block.bound()));
      }
    }
    clamped(block, values);
  }

  /// The whole vector, once every block was rounded.
  MemorySegment ring() {
    return ring.asReadOnly();
  }

  private int round(double scaled) {
    double floor = Math.floor(scaled);
    return (int) floor + (nextUniform() < scaled - floor ? 1 : 0);
  }

  private double nextUniform() {
    if (uniformAt == uniforms.byteSize()) {
      uniforms = stream.next(Keystream.STEP);
      uniformAt = 0;
    }
    long bits = uniforms.get(Ring.LONG, uniformAt);
    uniformAt += Long.BYTES;
    return (bits >>> 11) * 0x1p-53;
  }
}
