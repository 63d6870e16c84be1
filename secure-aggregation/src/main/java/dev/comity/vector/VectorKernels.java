package dev.comity.vector;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/// Loops over long vectors: packed integers of 16, 24 or 32 bits, floats and doubles,
/// little-endian, at any alignment, on the heap or off it.
///
/// [ScalarVectorKernels] is the specification; every other implementation gives the same bits.
/// Nothing fuses a multiplication with an addition, and the one reduction that rounds, [#norm2],
/// has an order of its own that no lane count changes. Implementations check nothing: [Vectors]
/// does.
interface VectorKernels {
  ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  ValueLayout.OfDouble DOUBLE =
      ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /// Partial sums of [#norm2]: element `i` belongs to partial sum `i mod 8`.
  int PARTIAL_SUMS = 8;

  /// A word for the log, such as `panama, 16 lanes of int`.
  String description();

  /// `sum[i] ← (sum[i] + addend[i]) mod 2^bits`.
  void addModular(int bits, MemorySegment sum, MemorySegment addend);

  /// `difference[i] ← (difference[i] − subtrahend[i]) mod 2^bits`.
  void subtractModular(int bits, MemorySegment difference, MemorySegment subtrahend);

  /// `target[i] ← source[i]`, the low `bits` of 32-bit integers packed.
  void pack(int bits, MemorySegment target, MemorySegment source);

  /// `target[i] ← source[i]`, packed integers of `bits` sign-extended to 32.
  void unpack(int bits, MemorySegment target, MemorySegment source);

  /// `x ← H·x` for doubles, H the Walsh–Hadamard matrix of ±1 in Hadamard's order, unscaled; as
  /// many elements as a power of two. For h = 1, 2, 4, … the pair `(x[i], x[i + h])`, i without the
  /// bit h, becomes `(x[i] + x[i + h], x[i] − x[i + h])`: every element is the root of one tree of
  /// additions, so the order in which independent pairs are visited changes no bit.
  void walshHadamard(MemorySegment x);

  /// `target[i] ← target[i] + factor·addend[i]`, float32, product and sum rounded apart.
  void scaledAdd(MemorySegment target, float factor, MemorySegment addend);

  /// `target[i] ← factor·target[i]`, float32.
  void scale(MemorySegment target, float factor);

  /// `√Σ x[i]²` in double. Squares of floats are exact there, so only the sums round: eight partial
  /// sums, each in the order of the elements, then [#combine].
  double norm2(MemorySegment x);

  /// `target[i] ← (float) (source[i]·factor)`: signed integers, product in double, one rounding to
  /// float32.
  void dequantise(MemorySegment target, MemorySegment source, double factor);

  /// Adds the partial sums of [#norm2] in their one order and takes the root.
  static double combine(double[] partial) {
    double sum = 0;
    for (double each : partial) {
      sum += each;
    }
    return Math.sqrt(sum);
  }
}
