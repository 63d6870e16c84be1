package dev.comity.update;

import dev.comity.plan.VectorLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/// Vectors over the integers modulo 2³², two's complement, little-endian, off the heap.
final class Ring {
  static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final long CACHE_LINE = 64;

  private Ring() {}

  /// Zeros, freed with the last reference, for any thread.
  static MemorySegment allocate(VectorLayout layout) {
    return Arena.ofAuto().allocate(layout.byteLength(), CACHE_LINE);
  }
}
