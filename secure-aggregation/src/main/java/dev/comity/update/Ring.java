package dev.comity.update;

import dev.comity.plan.VectorLayout;
import dev.comity.vector.Vectors;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/// Vectors off the heap, little-endian: packed ring elements as they are masked and travel, and the
/// same as 32-bit integers while a site encodes or a sum is read.
final class Ring {
  static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfDouble DOUBLE =
      ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final long CACHE_LINE = 64;

  private Ring() {}

  /// Zeros as the vector travels, freed with the last reference, for any thread.
  static MemorySegment allocate(VectorLayout layout) {
    return allocate(layout.byteLength());
  }

  static MemorySegment allocate(long bytes) {
    return Arena.ofAuto().allocate(bytes, CACHE_LINE);
  }

  /// Zeros, one 32-bit integer for each element.
  static MemorySegment elements(long length) {
    return allocate(Integer.BYTES * length);
  }

  /// The elements modulo 2^bits, as they travel; the same bytes where an element has 32 bits.
  static MemorySegment pack(VectorLayout layout, MemorySegment elements) {
    if (layout.bits() == Integer.SIZE) {
      return elements;
    }
    var packed = allocate(layout);
    Vectors.pack(layout.bits(), packed, elements);
    return packed;
  }

  /// A copy of packed elements as 32-bit integers, sign-extended.
  static MemorySegment unpack(VectorLayout layout, MemorySegment packed) {
    var elements = elements(layout.length());
    Vectors.unpack(layout.bits(), elements, packed);
    return elements;
  }
}
