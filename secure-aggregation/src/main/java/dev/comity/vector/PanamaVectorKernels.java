package dev.comity.vector;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/// The kernels on the Vector API. Touch this class only where the module `jdk.incubator.vector` is
/// in the boot layer.
final class PanamaVectorKernels implements VectorKernels {
  private static final VectorSpecies<Integer> INTS = IntVector.SPECIES_PREFERRED;
  private static final VectorSpecies<Short> SHORTS = ShortVector.SPECIES_PREFERRED;
  private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
  private static final VectorSpecies<Double> DOUBLES = DoubleVector.SPECIES_PREFERRED;

  /// As many 32-bit lanes as [#DOUBLES] has lanes.
  private static final VectorShape HALF = VectorShape.forBitSize(DOUBLES.vectorBitSize() / 2);

  private static final VectorSpecies<Float> HALF_FLOATS = HALF.withLanes(float.class);
  private static final VectorSpecies<Integer> HALF_INTS = HALF.withLanes(int.class);

  /// Bytes of eight doubles: at least one vector.
  private static final long EIGHT = 8L * Double.BYTES;

  /// Bytes of a block that stays in a core's cache.
  private static final long CACHED = 1 << 17;

  private static final VectorKernels TAIL = new ScalarVectorKernels();

  @Override
  public String description() {
    return "panama, " + INTS.length() + " lanes of int";
  }

  @Override
  public void addModular(int bits, MemorySegment sum, MemorySegment addend) {
    long done =
        switch (bits) {
          case 16 -> add16(sum, addend);
          case 24 -> Elements24.add(sum, addend);
          default -> add32(sum, addend);
        };
    if (done < sum.byteSize()) {
      TAIL.addModular(bits, sum.asSlice(done), addend.asSlice(done));
    }
  }

  @Override
  public void subtractModular(int bits, MemorySegment difference, MemorySegment subtrahend) {
    long done =
        switch (bits) {
          case 16 -> subtract16(difference, subtrahend);
          case 24 -> Elements24.subtract(difference, subtrahend);
          default -> subtract32(difference, subtrahend);
        };
    if (done < difference.byteSize()) {
      TAIL.subtractModular(bits, difference.asSlice(done), subtrahend.asSlice(done));
    }
  }

  @Override
  public void pack(int bits, MemorySegment target, MemorySegment source) {
    TAIL.pack(bits, target, source);
  }

  @Override
  public void unpack(int bits, MemorySegment target, MemorySegment source) {
    TAIL.unpack(bits, target, source);
  }

  /// Blocks that fit in a core's cache are transformed whole, then the levels above them, two at a
  /// time where there are two: a quarter of the passes over memory that the loop of the
  /// specification makes, and the same additions.
  @Override
  public void walshHadamard(MemorySegment x) {
    if (x.byteSize() < EIGHT) {
      TAIL.walshHadamard(x);
      return;
    }
    long block = Math.min(x.byteSize(), CACHED);
    for (long begin = 0; begin < x.byteSize(); begin += block) {
      var cached = x.asSlice(begin, block);
      for (long at = 0; at < block; at += EIGHT) {
        transformEight(cached, at);
      }
      levels(cached, EIGHT);
    }
    levels(x, block);
  }

  @Override
  public void scaledAdd(MemorySegment target, float factor, MemorySegment addend) {
    long at = 0;
    for (long end = wholeVectors(target, FLOATS); at < end; at += FLOATS.vectorByteSize()) {
      var product = FloatVector.fromMemorySegment(FLOATS, addend, at, LITTLE_ENDIAN).mul(factor);
      FloatVector.fromMemorySegment(FLOATS, target, at, LITTLE_ENDIAN)
          .add(product)
          .intoMemorySegment(target, at, LITTLE_ENDIAN);
    }
    if (at < target.byteSize()) {
      TAIL.scaledAdd(target.asSlice(at), factor, addend.asSlice(at));
    }
  }

  @Override
  public void scale(MemorySegment target, float factor) {
    long at = 0;
    for (long end = wholeVectors(target, FLOATS); at < end; at += FLOATS.vectorByteSize()) {
      FloatVector.fromMemorySegment(FLOATS, target, at, LITTLE_ENDIAN)
          .mul(factor)
          .intoMemorySegment(target, at, LITTLE_ENDIAN);
    }
    if (at < target.byteSize()) {
      TAIL.scale(target.asSlice(at), factor);
    }
  }

  @Override
  public double norm2(MemorySegment x) {
    double[] partial = new double[PARTIAL_SUMS];
    long block = (long) PARTIAL_SUMS * Float.BYTES;
    long end = x.byteSize() / block * block;
    if (DOUBLES.length() == PARTIAL_SUMS) {
      var sums = DoubleVector.zero(DOUBLES);
      for (long at = 0; at < end; at += block) {
        var values = doubles(x, at);
        sums = values.mul(values).add(sums);
      }
      sums.intoArray(partial, 0);
    } else if (DOUBLES.length() == PARTIAL_SUMS / 2) {
      var low = DoubleVector.zero(DOUBLES);
      var high = DoubleVector.zero(DOUBLES);
      for (long at = 0; at < end; at += block) {
        var first = doubles(x, at);
        var second = doubles(x, at + block / 2);
        low = first.mul(first).add(low);
        high = second.mul(second).add(high);
      }
      low.intoArray(partial, 0);
      high.intoArray(partial, PARTIAL_SUMS / 2);
    } else {
      end = 0; // two lanes gain nothing over the loop
    }
    ScalarVectorKernels.accumulateSquares(x, end, partial);
    return VectorKernels.combine(partial);
  }

  @Override
  public void dequantise(MemorySegment target, MemorySegment source, double factor) {
    long at = 0;
    for (long end = wholeVectors(target, HALF_INTS); at < end; at += HALF_INTS.vectorByteSize()) {
      var values = IntVector.fromMemorySegment(HALF_INTS, source, at, LITTLE_ENDIAN);
      var products =
          ((DoubleVector) values.convertShape(VectorOperators.I2D, DOUBLES, 0)).mul(factor);
      ((FloatVector) products.convertShape(VectorOperators.D2F, HALF_FLOATS, 0))
          .intoMemorySegment(target, at, LITTLE_ENDIAN);
    }
    if (at < target.byteSize()) {
      TAIL.dequantise(target.asSlice(at), source.asSlice(at), factor);
    }
  }

  private static long add32(MemorySegment sum, MemorySegment addend) {
    long at = 0;
    for (long end = wholeVectors(sum, INTS); at < end; at += INTS.vectorByteSize()) {
      IntVector.fromMemorySegment(INTS, sum, at, LITTLE_ENDIAN)
          .add(IntVector.fromMemorySegment(INTS, addend, at, LITTLE_ENDIAN))
          .intoMemorySegment(sum, at, LITTLE_ENDIAN);
    }
    return at;
  }

  private static long subtract32(MemorySegment difference, MemorySegment subtrahend) {
    long at = 0;
    for (long end = wholeVectors(difference, INTS); at < end; at += INTS.vectorByteSize()) {
      IntVector.fromMemorySegment(INTS, difference, at, LITTLE_ENDIAN)
          .sub(IntVector.fromMemorySegment(INTS, subtrahend, at, LITTLE_ENDIAN))
          .intoMemorySegment(difference, at, LITTLE_ENDIAN);
    }
    return at;
  }

  private static long add16(MemorySegment sum, MemorySegment addend) {
    long at = 0;
    for (long end = wholeVectors(sum, SHORTS); at < end; at += SHORTS.vectorByteSize()) {
      ShortVector.fromMemorySegment(SHORTS, sum, at, LITTLE_ENDIAN)
          .add(ShortVector.fromMemorySegment(SHORTS, addend, at, LITTLE_ENDIAN))
          .intoMemorySegment(sum, at, LITTLE_ENDIAN);
    }
    return at;
  }

  private static long subtract16(MemorySegment difference, MemorySegment subtrahend) {
    long at = 0;
    for (long end = wholeVectors(difference, SHORTS); at < end; at += SHORTS.vectorByteSize()) {
      ShortVector.fromMemorySegment(SHORTS, difference, at, LITTLE_ENDIAN)
          .sub(ShortVector.fromMemorySegment(SHORTS, subtrahend, at, LITTLE_ENDIAN))
          .intoMemorySegment(difference, at, LITTLE_ENDIAN);
    }
    return at;
  }

  /// The levels h = 1, 2 and 4 of the eight doubles at byte `at`.
  private static void transformEight(MemorySegment x, long at) {
    double x0 = x.get(DOUBLE, at);
    double x1 = x.get(DOUBLE, at + 8);
    double x2 = x.get(DOUBLE, at + 16);
    double x3 = x.get(DOUBLE, at + 24);
    double x4 = x.get(DOUBLE, at + 32);
    double x5 = x.get(DOUBLE, at + 40);
    double x6 = x.get(DOUBLE, at + 48);
    double x7 = x.get(DOUBLE, at + 56);
    double a0 = x0 + x1;
    double a1 = x0 - x1;
    double a2 = x2 + x3;
    double a3 = x2 - x3;
    double a4 = x4 + x5;
    double a5 = x4 - x5;
    double a6 = x6 + x7;
    double a7 = x6 - x7;
    double b0 = a0 + a2;
    double b1 = a1 + a3;
    double b2 = a0 - a2;
    double b3 = a1 - a3;
    double b4 = a4 + a6;
    double b5 = a5 + a7;
    double b6 = a4 - a6;
    double b7 = a5 - a7;
    x.set(DOUBLE, at, b0 + b4);
    x.set(DOUBLE, at + 8, b1 + b5);
    x.set(DOUBLE, at + 16, b2 + b6);
    x.set(DOUBLE, at + 24, b3 + b7);
    x.set(DOUBLE, at + 32, b0 - b4);
    x.set(DOUBLE, at + 40, b1 - b5);
    x.set(DOUBLE, at + 48, b2 - b6);
    x.set(DOUBLE, at + 56, b3 - b7);
  }

  /// The levels from `half` bytes on, at least eight doubles.
  private static void levels(MemorySegment x, long half) {
    while (4 * half <= x.byteSize()) {
      for (long begin = 0; begin < x.byteSize(); begin += 4 * half) {
        twoLevels(x, begin, half);
      }
      half *= 4;
    }
    if (2 * half <= x.byteSize()) {
      oneLevel(x, half);
    }
  }

  private static void twoLevels(MemorySegment x, long begin, long half) {
    for (long at = begin; at < begin + half; at += DOUBLES.vectorByteSize()) {
      var x0 = DoubleVector.fromMemorySegment(DOUBLES, x, at, LITTLE_ENDIAN);
      var x1 = DoubleVector.fromMemorySegment(DOUBLES, x, at + half, LITTLE_ENDIAN);
      var x2 = DoubleVector.fromMemorySegment(DOUBLES, x, at + 2 * half, LITTLE_ENDIAN);
      var x3 = DoubleVector.fromMemorySegment(DOUBLES, x, at + 3 * half, LITTLE_ENDIAN);
      var a0 = x0.add(x1);
      var a1 = x0.sub(x1);
      var a2 = x2.add(x3);
      var a3 = x2.sub(x3);
      a0.add(a2).intoMemorySegment(x, at, LITTLE_ENDIAN);
      a1.add(a3).intoMemorySegment(x, at + half, LITTLE_ENDIAN);
      a0.sub(a2).intoMemorySegment(x, at + 2 * half, LITTLE_ENDIAN);
      a1.sub(a3).intoMemorySegment(x, at + 3 * half, LITTLE_ENDIAN);
    }
  }

  private static void oneLevel(MemorySegment x, long half) {
    for (long begin = 0; begin < x.byteSize(); begin += 2 * half) {
      for (long at = begin; at < begin + half; at += DOUBLES.vectorByteSize()) {
        var first = DoubleVector.fromMemorySegment(DOUBLES, x, at, LITTLE_ENDIAN);
        var second = DoubleVector.fromMemorySegment(DOUBLES, x, at + half, LITTLE_ENDIAN);
        first.add(second).intoMemorySegment(x, at, LITTLE_ENDIAN);
        first.sub(second).intoMemorySegment(x, at + half, LITTLE_ENDIAN);
      }
    }
  }

  private static DoubleVector doubles(MemorySegment x, long at) {
    var floats = FloatVector.fromMemorySegment(HALF_FLOATS, x, at, LITTLE_ENDIAN);
    return (DoubleVector) floats.convertShape(VectorOperators.F2D, DOUBLES, 0);
  }

  private static long wholeVectors(MemorySegment segment, VectorSpecies<?> species) {
    return segment.byteSize() / species.vectorByteSize() * species.vectorByteSize();
  }
}
