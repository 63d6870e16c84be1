package dev.comity.update;

import dev.comity.plan.VectorLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/// Vectors of 32-bit elements, little-endian, off the heap: integers modulo 2³² in two's
/// complement, and floats.
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
    return allocate(layout.byteLength());
  }

  static MemorySegment allocate(long bytes) {
    return Arena.ofAuto().allocate(bytes, CACHE_LINE);
  }
}
