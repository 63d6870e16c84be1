package dev.comity.vector;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/// Element-wise loops over long vectors: 32-bit integers and floats, little-endian, at any
/// alignment, on the heap or off it.
///
/// [ScalarVectorKernels] is the specification; every other implementation gives the same bits.
/// Nothing fuses a multiplication with an addition, and the one reduction that rounds, [#norm2],
/// has an order of its own that no lane count changes. Implementations check nothing: [Vectors]
/// does.
interface VectorKernels {
  ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /// Partial sums of [#norm2]: element `i` belongs to partial sum `i mod 8`.
  int PARTIAL_SUMS = 8;

  /// A word for the log, such as `panama, 16 lanes of int`.
  String description();

  /// `sum[i] ← (sum[i] + addend[i]) mod 2³²`.
  void addModular(MemorySegment sum, MemorySegment addend);

  /// `difference[i] ← (difference[i] − subtrahend[i]) mod 2³²`.
  void subtractModular(MemorySegment difference, MemorySegment subtrahend);

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
