package dev.comity.vector;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/// The kernels on the Vector API. Touch this class only where the module `jdk.incubator.vector` is
/// in the boot layer.
final class PanamaVectorKernels implements VectorKernels {
  private static final VectorSpecies<Integer> INTS = IntVector.SPECIES_PREFERRED;
  private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
  private static final VectorSpecies<Double> DOUBLES = DoubleVector.SPECIES_PREFERRED;

  /// As many 32-bit lanes as [#DOUBLES] has lanes.
  private static final VectorShape HALF = VectorShape.forBitSize(DOUBLES.vectorBitSize() / 2);

  private static final VectorSpecies<Float> HALF_FLOATS = HALF.withLanes(float.class);
  private static final VectorSpecies<Integer> HALF_INTS = HALF.withLanes(int.class);

  private static final VectorKernels TAIL = new ScalarVectorKernels();

  @Override
  public String description() {
    return "panama, " + INTS.length() + " lanes of int";
  }

  @Override
  public void addModular(MemorySegment sum, MemorySegment addend) {
    long at = 0;
    for (long end = wholeVectors(sum, INTS); at < end; at += INTS.vectorByteSize()) {
      IntVector.fromMemorySegment(INTS, sum, at, LITTLE_ENDIAN)
          .add(IntVector.fromMemorySegment(INTS, addend, at, LITTLE_ENDIAN))
          .intoMemorySegment(sum, at, LITTLE_ENDIAN);
    }
    if (at < sum.byteSize()) {
      TAIL.addModular(sum.asSlice(at), addend.asSlice(at));
    }
  }

  @Override
  public void subtractModular(MemorySegment difference, MemorySegment subtrahend) {
    long at = 0;
    for (long end = wholeVectors(difference, INTS); at < end; at += INTS.vectorByteSize()) {
      IntVector.fromMemorySegment(INTS, difference, at, LITTLE_ENDIAN)
          .sub(IntVector.fromMemorySegment(INTS, subtrahend, at, LITTLE_ENDIAN))
          .intoMemorySegment(difference, at, LITTLE_ENDIAN);
    }
    if (at < difference.byteSize()) {
      TAIL.subtractModular(difference.asSlice(at), subtrahend.asSlice(at));
    }
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

  private static DoubleVector doubles(MemorySegment x, long at) {
    var floats = FloatVector.fromMemorySegment(HALF_FLOATS, x, at, LITTLE_ENDIAN);
    return (DoubleVector) floats.convertShape(VectorOperators.F2D, DOUBLES, 0);
  }

  private static long wholeVectors(MemorySegment segment, VectorSpecies<?> species) {
    return segment.byteSize() / species.vectorByteSize() * species.vectorByteSize();
  }
}
