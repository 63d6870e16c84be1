package dev.comity.vector;

import java.lang.foreign.MemorySegment;
import java.util.Objects;

/// Arithmetic on long vectors held in memory segments: integers of 16, 24 or 32 bits packed end to
/// end, floats and doubles, little-endian, at any alignment. Fast on memory allocated off the heap;
/// arrays and mapped files are taken too, by plain loops.
///
/// Every operation gives the same bits on every machine: integers wrap, floats are worked on
/// element by element without fused multiply-add. Shapes are checked here; what is wrong is refused
/// with [IllegalArgumentException]. Nothing here locks: a segment belongs to its caller.
public final class Vectors {
  private Vectors() {}

  /// `sum[i] ← (sum[i] + addend[i]) mod 2^bits`.
  ///
  /// @param bits width of an element: 16, 24 or 32
  public static void addModular(int bits, MemorySegment sum, MemorySegment addend) {
    requireSameShape(bits, "sum", sum, "addend", addend);
    kernels(sum, addend).addModular(bits, sum, addend);
  }

  /// `difference[i] ← (difference[i] − subtrahend[i]) mod 2^bits`.
  ///
  /// @param bits width of an element: 16, 24 or 32
  public static void subtractModular(int bits, MemorySegment difference, MemorySegment subtrahend) {
    requireSameShape(bits, "difference", difference, "subtrahend", subtrahend);
    kernels(difference, subtrahend).subtractModular(bits, difference, subtrahend);
  }

  /// Packs the low `bits` of every 32-bit integer of `source` end to end.
  ///
  /// @param bits width of an element of `target`: 16, 24 or 32
  public static void pack(int bits, MemorySegment target, MemorySegment source) {
    requireSameLength("target", bits, target, "source", Integer.SIZE, source);
    kernels(target, source).pack(bits, target, source);
  }

  /// Sign-extends packed integers to 32 bits.
  ///
  /// @param bits width of an element of `source`: 16, 24 or 32
  public static void unpack(int bits, MemorySegment target, MemorySegment source) {
    requireSameLength("target", Integer.SIZE, target, "source", bits, source);
    kernels(target, source).unpack(bits, target, source);
  }

  /// `x ← H·x`, H the unscaled Walsh–Hadamard matrix of ±1 (fast transform, `n log₂ n` additions in
  /// double, in place). Twice gives `n·x`; exact while the sum of the |x[i]| stays below 2⁵³ and
  /// the elements are whole.
  ///
  /// @param x doubles, as many as a power of two
  public static void walshHadamard(MemorySegment x) {
    Objects.requireNonNull(x, "x");
    if (x.byteSize() < Double.BYTES || Long.bitCount(x.byteSize()) != 1) {
      throw new IllegalArgumentException(
          "x has %d bytes: must be doubles, as many as a power of two".formatted(x.byteSize()));
    }
    kernels(x, x).walshHadamard(x);
  }

  /// `target[i] ← target[i] + factor·addend[i]` in float32, product and sum rounded apart.
  public static void scaledAdd(MemorySegment target, float factor, MemorySegment addend) {
    requireSameShape("target", target, "addend", addend);
    kernels(target, addend).scaledAdd(target, factor, addend);
  }

  /// `target[i] ← factor·target[i]` in float32.
  public static void scale(MemorySegment target, float factor) {
    requireWholeElements("target", target);
    kernels(target, target).scale(target, factor);
  }

  /// The L2 norm of float32 elements, summed in double in an order that does not depend on the
  /// machine. Infinite or not a number exactly when an element is.
  public static double norm2(MemorySegment x) {
    requireWholeElements("x", x);
    return kernels(x, x).norm2(x);
  }

  /// `target[i] ← (float) (source[i]·factor)` for signed 32-bit `source`: the product in double,
  /// then one rounding to float32.
  public static void dequantise(MemorySegment target, MemorySegment source, double factor) {
    requireSameShape("target", target, "source", source);
    kernels(target, source).dequantise(target, source, factor);
  }

  /// The chosen kernels for memory off the heap, the loops for anything else. Every vector access
  /// of the JDK goes through one method; once that has seen three classes of segment the JIT no
  /// longer knows which one it has, and all vector code of the process turns ten times slower for
  /// good.
  private static VectorKernels kernels(MemorySegment one, MemorySegment other) {
    return isOffHeap(one) && isOffHeap(other)
        ? ChosenVectorKernels.KERNELS
        : ChosenVectorKernels.SCALAR;
  }

  private static boolean isOffHeap(MemorySegment segment) {
    return segment.isNative() && !segment.isMapped();
  }

  private static void requireSameShape(
      String name, MemorySegment segment, String otherName, MemorySegment other) {
    requireSameShape(Integer.SIZE, name, segment, otherName, other);
  }

  private static void requireSameShape(
      int bits, String name, MemorySegment segment, String otherName, MemorySegment other) {
    requireWholeElements(bits, name, segment);
    Objects.requireNonNull(other, otherName);
    if (segment.byteSize() != other.byteSize()) {
      throw new IllegalArgumentException(
          "%s has %d bytes and %s has %d: they must be equal"
              .formatted(name, segment.byteSize(), otherName, other.byteSize()));
    }
  }

  private static void requireSameLength(
      String name,
      int bits,
      MemorySegment segment,
      String otherName,
      int otherBits,
      MemorySegment other) {
    requireWholeElements(bits, name, segment);
    requireWholeElements(otherBits, otherName, other);
    if (segment.byteSize() / (bits / Byte.SIZE) != other.byteSize() / (otherBits / Byte.SIZE)) {
      throw new IllegalArgumentException(
          "%s has %d bytes of %d-bit elements and %s has %d of %d-bit elements: must be as many elements"
              .formatted(name, segment.byteSize(), bits, otherName, other.byteSize(), otherBits));
    }
  }

  private static void requireWholeElements(String name, MemorySegment segment) {
    requireWholeElements(Integer.SIZE, name, segment);
  }

  private static void requireWholeElements(int bits, String name, MemorySegment segment) {
    Objects.requireNonNull(segment, name);
    if (bits != 16 && bits != 24 && bits != 32) {
      throw new IllegalArgumentException(
          "elements of %d bits: must be 16, 24 or 32".formatted(bits));
    }
    if (segment.byteSize() % (bits / Byte.SIZE) != 0) {
      throw new IllegalArgumentException(
          "%s has %d bytes: must be a multiple of %d"
              .formatted(name, segment.byteSize(), bits / Byte.SIZE));
    }
  }
}
