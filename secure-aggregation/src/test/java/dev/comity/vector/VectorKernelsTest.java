package dev.comity.vector;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Random;
import java.util.function.BiConsumer;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// Every kernel against the scalar specification, and the specification against plain arithmetic.
class VectorKernelsTest {
  private static final int[] LENGTHS = {
    0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 129, 1000, 4096, 4097, 65_535
  };
  private static final VectorKernels SCALAR = new ScalarVectorKernels();

  static Stream<Arguments> kernelsAndLengths() {
    return Stream.of(new ScalarVectorKernels(), new PanamaVectorKernels())
        .flatMap(
            kernels -> Arrays.stream(LENGTHS).mapToObj(length -> Arguments.of(kernels, length)));
  }

  @ParameterizedTest
  @MethodSource("kernelsAndLengths")
  void additionWrapsAroundTheRing(VectorKernels kernels, int length) {
    int[] left = integers(1, length);
    int[] right = integers(2, length);
    var sum = offHeap(left);

    kernels.addModular(sum, offHeap(right));

    for (int i = 0; i < length; i++) {
      assertThat(sum.get(VectorKernels.INT, 4L * i)).isEqualTo(left[i] + right[i]);
    }
  }

  @ParameterizedTest
  @MethodSource("kernelsAndLengths")
  void subtractionUndoesAddition(VectorKernels kernels, int length) {
    int[] left = integers(3, length);
    var addend = offHeap(integers(4, length));
    var ring = offHeap(left);

    kernels.addModular(ring, addend);
    kernels.subtractModular(ring, addend);

    assertThat(ring.mismatch(offHeap(left))).isEqualTo(-1);
  }

  @ParameterizedTest
  @MethodSource("kernelsAndLengths")
  void scaledAdditionRoundsProductAndSumApart(VectorKernels kernels, int length) {
    float[] target = floats(5, length);
    float[] addend = floats(6, length);
    var actual = offHeap(target);

    kernels.scaledAdd(actual, 0.3f, offHeap(addend));

    for (int i = 0; i < length; i++) {
      float product = 0.3f * addend[i];
      assertSameBits(actual.get(VectorKernels.FLOAT, 4L * i), target[i] + product);
    }
  }

  @ParameterizedTest
  @MethodSource("kernelsAndLengths")
  void scalingMultipliesEachElement(VectorKernels kernels, int length) {
    float[] target = floats(7, length);
    var actual = offHeap(target);

    kernels.scale(actual, -1.7f);

    for (int i = 0; i < length; i++) {
      assertSameBits(actual.get(VectorKernels.FLOAT, 4L * i), -1.7f * target[i]);
    }
  }

  @ParameterizedTest
  @MethodSource("kernelsAndLengths")
  void theNormHasTheBitsOfTheSpecificationAndTheValueOfThePlainSum(
      VectorKernels kernels, int length) {
    float[] x = floats(8, length);
    double squares = 0;
    for (float each : x) {
      squares += (double) each * each;
    }

    double norm = kernels.norm2(offHeap(x));

    assertThat(Double.doubleToRawLongBits(norm))
        .isEqualTo(Double.doubleToRawLongBits(SCALAR.norm2(offHeap(x))));
    assertThat(norm).isCloseTo(Math.sqrt(squares), Offset.offset(1e-12 * Math.sqrt(squares)));
  }

  @ParameterizedTest
  @MethodSource("kernelsAndLengths")
  void oneElementThatIsNotFiniteMakesTheNormNotFinite(VectorKernels kernels, int length) {
    for (int at = 0; at < length; at += 1 + length / 9) {
      float[] x = floats(9, length);

      x[at] = Float.NaN;
      assertThat(kernels.norm2(offHeap(x))).isNaN();

      x[at] = Float.NEGATIVE_INFINITY;
      assertThat(kernels.norm2(offHeap(x))).isInfinite();

      x[at] = Float.MAX_VALUE;
      assertThat(kernels.norm2(offHeap(x))).isFinite();
    }
  }

  @ParameterizedTest
  @MethodSource("kernelsAndLengths")
  void dequantisingRoundsOnce(VectorKernels kernels, int length) {
    int[] source = integers(10, length);
    double factor = 1.0 / 419_430.3;
    var target = offHeap(new float[length]);

    kernels.dequantise(target, offHeap(source), factor);

    for (int i = 0; i < length; i++) {
      assertSameBits(target.get(VectorKernels.FLOAT, 4L * i), (float) (source[i] * factor));
    }
  }

  @ParameterizedTest
  @MethodSource("kernelsAndLengths")
  void heapSegmentsAtOddAddressesGiveTheSameBits(VectorKernels kernels, int length) {
    BiConsumer<MemorySegment, MemorySegment> run =
        (a, b) -> {
          kernels.addModular(a, b);
          kernels.subtractModular(b, a);
          kernels.dequantise(a, b, 0x1p-40);
          kernels.scaledAdd(a, 1.1f, a);
          kernels.scale(a, 0.9f);
        };
    var aligned = offHeap(integers(11, length));
    var alignedOther = offHeap(integers(12, length));
    var odd = MemorySegment.ofArray(new byte[4 * length + 1]).asSlice(1).copyFrom(aligned);
    var oddOther =
        MemorySegment.ofArray(new byte[4 * length + 3]).asSlice(3).copyFrom(alignedOther);

    run.accept(aligned, alignedOther);
    run.accept(odd, oddOther);

    assertThat(odd.mismatch(aligned)).isEqualTo(-1);
    assertThat(oddOther.mismatch(alignedOther)).isEqualTo(-1);
  }

  private static void assertSameBits(float actual, float expected) {
    assertThat(Float.floatToRawIntBits(actual)).isEqualTo(Float.floatToRawIntBits(expected));
  }

  private static int[] integers(long seed, int length) {
    return new Random(seed).ints(length).toArray();
  }

  private static float[] floats(long seed, int length) {
    var random = new Random(seed);
    float[] values = new float[length];
    for (int i = 0; i < length; i++) {
      values[i] = (float) (random.nextGaussian() * Math.pow(10, random.nextInt(-20, 12)));
    }
    return values;
  }

  private static MemorySegment offHeap(int[] values) {
    var heap = MemorySegment.ofArray(values);
    return Arena.ofAuto()
        .allocate(Math.max(1, heap.byteSize()), 64)
        .asSlice(0, heap.byteSize())
        .copyFrom(heap);
  }

  private static MemorySegment offHeap(float[] values) {
    var heap = MemorySegment.ofArray(values);
    return Arena.ofAuto()
        .allocate(Math.max(1, heap.byteSize()), 64)
        .asSlice(0, heap.byteSize())
        .copyFrom(heap);
  }
}
