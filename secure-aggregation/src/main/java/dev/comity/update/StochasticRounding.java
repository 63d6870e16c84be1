package dev.comity.update;

import dev.comity.plan.VectorLayout;
import java.lang.foreign.MemorySegment;
import java.util.function.LongToDoubleFunction;

/// Writes real values into the ring, in the order of the layout: `z = ⌊S·x + U⌋` with `U` uniform
/// in [0, 1). The n-th value that is rounded takes 53 bits from bytes `8n` to `8n + 8` of the
/// rounding key's AES-256-CTR stream; a repetition goes on in the stream.
///
/// Computed as `⌊v⌋ + [U' < v − ⌊v⌋]`, the same law (`U' = 1 − U`): `v − ⌊v⌋` is exact in double
/// while `v + U` could round up to the next integer and past the largest.
final class StochasticRounding {
  /// How often rounding is repeated for its norm. Each time fails with probability at most e^−½.
  static final int ATTEMPTS = 64;

  private final VectorLayout layout;
  private final MemorySegment elements;
  private final Keystream stream;
  private MemorySegment uniforms = MemorySegment.NULL;
  private long uniformAt;
  private long element;

  StochasticRounding(VectorLayout layout, RoundingKey key) {
    this.layout = layout;
    elements = Ring.elements(layout.length());
    stream = new Keystream();
    key.start(stream);
  }

  /// Rounds a block of one limb whose values are clipped to its bound before they come here.
  void clamped(VectorLayout.Block block, LongToDoubleFunction values) {
    for (long i = 0; i < block.length(); i++) {
      put((int) round(scaled(block, values.applyAsDouble(i))));
    }
  }

  /// Rounds a clamped block again and again until its L2 norm is at most `limit`, so that the
  /// sensitivity which noise is measured by holds always and not nearly always. When it never is,
  /// rounds towards zero, which lengthens nothing.
  ///
  /// @param limit in units of the ring, below 2³¹
  void conditioned(VectorLayout.Block block, LongToDoubleFunction values, double limit) {
    long largestSquare = (long) Math.floor(limit * limit);
    long begin = element;
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
      element = begin;
      clamped(block, values);
      if (squaredNormWithin(begin, block.length(), largestSquare)) {
        return;
      }
    }
    element = begin;
    for (long i = 0; i < block.length(); i++) {
      put((int) scaled(block, values.applyAsDouble(i)));
    }
  }

  /// Rounds a block whose values the plan bounds; one below 0 or beyond is refused, without being
  /// named.
  void bounded(VectorLayout.Block block, LongToDoubleFunction values) {
    int digit = layout.precision() - 1;
    for (long i = 0; i < block.values(); i++) {
      double value = values.applyAsDouble(i);
      if (!(value >= 0 && value <= block.bound())) {
        throw new IllegalArgumentException(
            "coordinate %d of block %s is above its bound %s: raise maxExamples in the run"
                .formatted(i, block.kind(), block.bound()));
      }
      long rounded = round(scaled(block, value));
      for (int limb = 0; limb < block.limbs(); limb++) {
        put((int) (rounded >>> limb * digit & layout.largestCoordinate()));
      }
    }
  }

  /// The whole vector as 32-bit integers, once every block was rounded.
  MemorySegment elements() {
    return elements;
  }

  private double scaled(VectorLayout.Block block, double value) {
    double largest = layout.largestValue(block);
    return Math.clamp(block.scale() * value, -largest, largest);
  }

  private void put(int value) {
    elements.set(Ring.INT, Integer.BYTES * element, value);
    element++;
  }

  private boolean squaredNormWithin(long begin, long length, long largestSquare) {
    long squares = 0;
    for (long i = begin; i < begin + length; i++) {
      long value = elements.get(Ring.INT, Integer.BYTES * i);
      squares += value * value; // below 2⁶² before, below 2⁶⁰ each
      if (squares > largestSquare) {
        return false;
      }
    }
    return true;
  }

  private long round(double scaled) {
    double floor = Math.floor(scaled);
    return (long) floor + (nextUniform() < scaled - floor ? 1 : 0);
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
