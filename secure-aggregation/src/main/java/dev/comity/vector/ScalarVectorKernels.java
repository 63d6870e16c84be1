package dev.comity.vector;

import java.lang.foreign.MemorySegment;

/// The kernels as plain loops: what every other implementation is held against.
final class ScalarVectorKernels implements VectorKernels {

  @Override
  public String description() {
    return "scalar";
  }

  @Override
  public void addModular(MemorySegment sum, MemorySegment addend) {
    for (long at = 0; at < sum.byteSize(); at += Integer.BYTES) {
      sum.set(INT, at, sum.get(INT, at) + addend.get(INT, at));
    }
  }

  @Override
  public void subtractModular(MemorySegment difference, MemorySegment subtrahend) {
    for (long at = 0; at < difference.byteSize(); at += Integer.BYTES) {
      difference.set(INT, at, difference.get(INT, at) - subtrahend.get(INT, at));
    }
  }

  @Override
  public void scaledAdd(MemorySegment target, float factor, MemorySegment addend) {
    for (long at = 0; at < target.byteSize(); at += Float.BYTES) {
      float product = factor * addend.get(FLOAT, at);
      target.set(FLOAT, at, target.get(FLOAT, at) + product);
    }
  }

  @Override
  public void scale(MemorySegment target, float factor) {
    for (long at = 0; at < target.byteSize(); at += Float.BYTES) {
      target.set(FLOAT, at, factor * target.get(FLOAT, at));
    }
  }

  @Override
  public double norm2(MemorySegment x) {
    double[] partial = new double[PARTIAL_SUMS];
    accumulateSquares(x, 0, partial);
    return VectorKernels.combine(partial);
  }

  @Override
  public void dequantise(MemorySegment target, MemorySegment source, double factor) {
    for (long at = 0; at < target.byteSize(); at += Float.BYTES) {
      target.set(FLOAT, at, (float) (source.get(INT, at) * factor));
    }
  }

  /// Adds the squares of the elements from byte `from` on, a multiple of 32, to their partial sums.
  static void accumulateSquares(MemorySegment x, long from, double[] partial) {
    int slot = 0;
    for (long at = from; at < x.byteSize(); at += Float.BYTES) {
      double value = x.get(FLOAT, at);
      partial[slot] += value * value;
      slot = (slot + 1) % PARTIAL_SUMS;
    }
  }
}
