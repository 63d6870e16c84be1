package dev.comity.vector;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// The kernels as plain loops: what every other implementation is held against.
final class ScalarVectorKernels implements VectorKernels {

  @Override
  public String description() {
    return "scalar";
  }

  @Override
  public void addModular(int bits, MemorySegment sum, MemorySegment addend) {
    int bytes = bits / Byte.SIZE;
    for (long at = 0; at < sum.byteSize(); at += bytes) {
      put(bits, sum, at, element(bits, sum, at) + element(bits, addend, at));
    }
  }

  @Override
  public void subtractModular(int bits, MemorySegment difference, MemorySegment subtrahend) {
    int bytes = bits / Byte.SIZE;
    for (long at = 0; at < difference.byteSize(); at += bytes) {
      put(bits, difference, at, element(bits, difference, at) - element(bits, subtrahend, at));
    }
  }

  @Override
  public void pack(int bits, MemorySegment target, MemorySegment source) {
    int bytes = bits / Byte.SIZE;
    for (long from = 0, at = 0; from < source.byteSize(); from += Integer.BYTES, at += bytes) {
      put(bits, target, at, source.get(INT, from));
    }
  }

  @Override
  public void unpack(int bits, MemorySegment target, MemorySegment source) {
    int bytes = bits / Byte.SIZE;
    for (long from = 0, at = 0; from < source.byteSize(); from += bytes, at += Integer.BYTES) {
      target.set(INT, at, element(bits, source, from));
    }
  }

  @Override
  public void walshHadamard(MemorySegment x) {
    for (long half = Double.BYTES; half < x.byteSize(); half *= 2) {
      for (long begin = 0; begin < x.byteSize(); begin += 2 * half) {
        for (long at = begin; at < begin + half; at += Double.BYTES) {
          double first = x.get(DOUBLE, at);
          double second = x.get(DOUBLE, at + half);
          x.set(DOUBLE, at, first + second);
          x.set(DOUBLE, at + half, first - second);
        }
      }
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

  /// The element at byte `at`, sign-extended.
  private static int element(int bits, MemorySegment packed, long at) {
    return switch (bits) {
      case 16 -> packed.get(SHORT, at);
      case 24 ->
          packed.get(SHORT, at) & 0xffff
              | packed.get(ValueLayout.JAVA_BYTE, at + Short.BYTES) << Short.SIZE;
      default -> packed.get(INT, at);
    };
  }

  /// Writes the low bits of `value` at byte `at`.
  private static void put(int bits, MemorySegment packed, long at, int value) {
    switch (bits) {
      case 16 -> packed.set(SHORT, at, (short) value);
      case 24 -> {
        packed.set(SHORT, at, (short) value);
        packed.set(ValueLayout.JAVA_BYTE, at + Short.BYTES, (byte) (value >> Short.SIZE));
      }
      default -> packed.set(INT, at, value);
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
