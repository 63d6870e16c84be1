package dev.comity.vector;

import java.lang.foreign.MemorySegment;
import java.util.Objects;

/// Arithmetic on long vectors held in memory segments: 32-bit elements, little-endian, at any
/// alignment. Fast on memory allocated off the heap; arrays and mapped files are taken too, by
/// plain loops.
///
/// Every operation gives the same bits on every machine: integers wrap, floats are worked on
/// element by element without fused multiply-add. Shapes are checked here; what is wrong is refused
/// with [IllegalArgumentException]. Nothing here locks: a segment belongs to its caller.
public final class Vectors {
  private Vectors() {}

  /// `sum[i] ← (sum[i] + addend[i]) mod 2³²`.
  public static void addModular(MemorySegment sum, MemorySegment addend) {
    requireSameShape("sum", sum, "addend", addend);
    kernels(sum, addend).addModular(sum, addend);
  }

  /// `difference[i] ← (difference[i] − subtrahend[i]) mod 2³²`.
  public static void subtractModular(MemorySegment difference, MemorySegment subtrahend) {
    requireSameShape("difference", difference, "subtrahend", subtrahend);
    kernels(difference, subtrahend).subtractModular(difference, subtrahend);
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
    requireWholeElements(name, segment);
    Objects.requireNonNull(other, otherName);
    if (segment.byteSize() != other.byteSize()) {
      throw new IllegalArgumentException(
          "%s has %d bytes and %s has %d: they must be equal"
              .formatted(name, segment.byteSize(), otherName, other.byteSize()));
    }
  }

  private static void requireWholeElements(String name, MemorySegment segment) {
    Objects.requireNonNull(segment, name);
    if (segment.byteSize() % Integer.BYTES != 0) {
      throw new IllegalArgumentException(
          "%s has %d bytes: must be a multiple of %d"
              .formatted(name, segment.byteSize(), Integer.BYTES));
    }
  }
}
