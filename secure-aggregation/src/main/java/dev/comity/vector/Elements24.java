package dev.comity.vector;

import java.lang.foreign.MemorySegment;

/// Packed 24-bit elements, eight at a time in the three longs that they fill. The top bit of every
/// element is kept out of the addition and put right by exclusive or, so no carry leaves an
/// element; the elements 2 and 5 lie across two longs, and the one carry that each can pass on is
/// handed over.
final class Elements24 {
  private static final int GROUP = 3 * Long.BYTES;

  /// The top bits of the elements: 23 and 47 of the first long, then 7, 31, 55 and 15, 39, 63.
  private static final long TOP_0 = 1L << 23 | 1L << 47;

  private static final long TOP_1 = 1L << 7 | 1L << 31 | 1L << 55;
  private static final long TOP_2 = 1L << 15 | 1L << 39 | 1L << 63;

  private Elements24() {}

  /// Adds the whole groups and says how many bytes they are.
  static long add(MemorySegment sum, MemorySegment addend) {
    long end = sum.byteSize() / GROUP * GROUP;
    for (long at = 0; at < end; at += GROUP) {
      long a0 = sum.get(VectorKernels.LONG, at);
      long a1 = sum.get(VectorKernels.LONG, at + 8);
      long a2 = sum.get(VectorKernels.LONG, at + 16);
      long b0 = addend.get(VectorKernels.LONG, at);
      long b1 = addend.get(VectorKernels.LONG, at + 8);
      long b2 = addend.get(VectorKernels.LONG, at + 16);
      long x0 = a0 & ~TOP_0;
      long y0 = b0 & ~TOP_0;
      long s0 = x0 + y0;
      long x1 = a1 & ~TOP_1;
      long y1 = b1 & ~TOP_1;
      long s1 = x1 + y1 + carry(x0, y0, s0);
      long s2 = (a2 & ~TOP_2) + (b2 & ~TOP_2) + carry(x1, y1, s1);
      sum.set(VectorKernels.LONG, at, s0 ^ (a0 ^ b0) & TOP_0);
      sum.set(VectorKernels.LONG, at + 8, s1 ^ (a1 ^ b1) & TOP_1);
      sum.set(VectorKernels.LONG, at + 16, s2 ^ (a2 ^ b2) & TOP_2);
    }
    return end;
  }

  /// Subtracts the whole groups and says how many bytes they are.
  static long subtract(MemorySegment difference, MemorySegment subtrahend) {
    long end = difference.byteSize() / GROUP * GROUP;
    for (long at = 0; at < end; at += GROUP) {
      long a0 = difference.get(VectorKernels.LONG, at);
      long a1 = difference.get(VectorKernels.LONG, at + 8);
      long a2 = difference.get(VectorKernels.LONG, at + 16);
      long b0 = subtrahend.get(VectorKernels.LONG, at);
      long b1 = subtrahend.get(VectorKernels.LONG, at + 8);
      long b2 = subtrahend.get(VectorKernels.LONG, at + 16);
      long x0 = a0 | TOP_0;
      long y0 = b0 & ~TOP_0;
      long d0 = x0 - y0;
      long x1 = a1 | TOP_1;
      long y1 = b1 & ~TOP_1;
      long d1 = x1 - y1 - borrow(x0, y0, d0);
      long d2 = (a2 | TOP_2) - (b2 & ~TOP_2) - borrow(x1, y1, d1);
      difference.set(VectorKernels.LONG, at, d0 ^ ~(a0 ^ b0) & TOP_0);
      difference.set(VectorKernels.LONG, at + 8, d1 ^ ~(a1 ^ b1) & TOP_1);
      difference.set(VectorKernels.LONG, at + 16, d2 ^ ~(a2 ^ b2) & TOP_2);
    }
    return end;
  }

  /// The carry out of bit 63 of `x + y` (and a carry in), whose sum is `s`.
  private static long carry(long x, long y, long s) {
    return (x & y | (x | y) & ~s) >>> 63;
  }

  /// The borrow into bit 64 of `x − y` (and a borrow), whose difference is `d`.
  private static long borrow(long x, long y, long d) {
    return (~x & y | (~x | y) & d) >>> 63;
  }
}
