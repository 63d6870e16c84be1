package dev.comity.vector;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Random;
import java.util.function.BiConsumer;
import java.util.stream.IntStream;
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

  static Stream<Arguments> kernelsWidthsAndLengths() {
    return kernelsAndLengths()
        .flatMap(each ->
            Stream.of(16, 24, 32).map(bits -> Arguments.of(each.get()[0], bits, each.get()[1])));
  }

  static Stream<Arguments> kernelsAndPowersOfTwo() {
    return Stream.of(new ScalarVectorKernels(), new PanamaVectorKernels())
        .flatMap(
            kernels -> IntStream.range(0, 18).mapToObj(power -> Arguments.of(kernels, 1 << power)));
  }

  @ParameterizedTest
  @MethodSource("kernelsWidthsAndLengths")
  void additionWrapsAroundTheRing(VectorKernels kernels, int bits, int length) {
    int[] left = integers(1, length);
    int[] right = integers(2, length);
    var sum = packed(bits, left);

    kernels.addModular(bits, sum, packed(bits, right));

    for (int i = 0; i < length; i++) {
      assertThat(element(bits, sum, i))
          .as("element %d", i)
          .isEqualTo(low(bits, left[i] + right[i]));
    }
  }

  @ParameterizedTest
  @MethodSource("kernelsWidthsAndLengths")
  void subtractionWrapsAroundTheRing(VectorKernels kernels, int bits, int length) {
    int[] left = integers(3, length);
    int[] right = integers(4, length);
    var difference = packed(bits, left);

    kernels.subtractModular(bits, difference, packed(bits, right));

    for (int i = 0; i < length; i++) {
      assertThat(element(bits, difference, i))
          .as("element %d", i)
          .isEqualTo(low(bits, left[i] - right[i]));
    }
  }

  /// Every carry and borrow that can cross an element's border, in every place of a group.
  @ParameterizedTest
  @MethodSource("kernelsWidthsAndLengths")
  void noCarryLeavesItsElement(VectorKernels kernels, int bits, int length) {
    int[] edges = {0, 1, -1, 1 << (bits - 1), (1 << (bits - 1)) - 1, 0xff, 0xffff};
    int[] left = new int[length];
    int[] right = new int[length];
    var random = new Random(bits);
    for (int i = 0; i < length; i++) {
      left[i] = edges[random.nextInt(edges.length)];
      right[i] = edges[random.nextInt(edges.length)];
    }
    var sum = packed(bits, left);
    var difference = packed(bits, left);

    kernels.addModular(bits, sum, packed(bits, right));
    kernels.subtractModular(bits, difference, packed(bits, right));

    for (int i = 0; i < length; i++) {
      assertThat(element(bits, sum, i)).isEqualTo(low(bits, left[i] + right[i]));
      assertThat(element(bits, difference, i)).isEqualTo(low(bits, left[i] - right[i]));
    }
  }

  @ParameterizedTest
  @MethodSource("kernelsWidthsAndLengths")
  void packingKeepsTheLowBitsAndUnpackingTheirSign(VectorKernels kernels, int bits, int length) {
    int[] values = integers(5, length);
    var packed = offHeap(new byte[bits / 8 * length]);
    var unpacked = offHeap(new int[length]);

    kernels.pack(bits, packed, offHeap(values));
    kernels.unpack(bits, unpacked, packed);

    assertThat(packed.mismatch(packed(bits, values))).isEqualTo(-1);
    for (int i = 0; i < length; i++) {
      assertThat(unpacked.get(VectorKernels.INT, 4L * i)).isEqualTo(low(bits, values[i]));
    }
  }

  @ParameterizedTest
  @MethodSource("kernelsAndPowersOfTwo")
  void theTransformHasTheBitsOfTheSpecification(VectorKernels kernels, int length) {
    double[] values = new Random(length).doubles(length, -1e3, 1e3).toArray();
    var expected = offHeap(values);
    var actual = offHeap(values);

    SCALAR.walshHadamard(expected);
    kernels.walshHadamard(actual);

    assertThat(actual.mismatch(expected)).isEqualTo(-1);
  }

  @ParameterizedTest
  @MethodSource("kernelsAndPowersOfTwo")
  void theTransformIsTheMatrixOfSignsAndTwiceItIsTheLength(VectorKernels kernels, int length) {
    double[] values = new Random(~length).ints(length, -1000, 1000).asDoubleStream().toArray();
    var x = offHeap(values);

    kernels.walshHadamard(x);

    for (int row = 0; row < length; row += 1 + length / 50) {
      double sum = 0;
      for (int column = 0; column < length; column++) {
        sum += Integer.bitCount(row & column) % 2 == 0 ? values[column] : -values[column];
      }
      assertThat(x.get(VectorKernels.DOUBLE, 8L * row)).isEqualTo(sum); // whole, so exact
    }
    kernels.walshHadamard(x);
    for (int i = 0; i < length; i++) {
      assertThat(x.get(VectorKernels.DOUBLE, 8L * i)).isEqualTo(length * values[i]);
    }
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
          for (int bits : new int[] {16, 24, 32}) {
            long whole = a.byteSize() / (bits / 8) * (bits / 8);
            kernels.addModular(bits, a.asSlice(0, whole), b.asSlice(0, whole));
            kernels.subtractModular(bits, b.asSlice(0, whole), a.asSlice(0, whole));
          }
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

  private static int low(int bits, int value) {
    return value << (32 - bits) >> (32 - bits);
  }

  /// Packs by shifting byte after byte: an independent statement of the format.
  private static MemorySegment packed(int bits, int[] values) {
    byte[] bytes = new byte[bits / 8 * values.length];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) (values[i / (bits / 8)] >> 8 * (i % (bits / 8)));
    }
    return offHeap(bytes);
  }

  private static int element(int bits, MemorySegment packed, int i) {
    int value = 0;
    for (int at = 0; at < bits / 8; at++) {
      int each = packed.get(ValueLayout.JAVA_BYTE, (long) i * (bits / 8) + at) & 0xff;
      value |= each << 8 * at;
    }
    return low(bits, value);
  }

  private static MemorySegment offHeap(byte[] values) {
    return offHeap(MemorySegment.ofArray(values));
  }

  private static MemorySegment offHeap(int[] values) {
    return offHeap(MemorySegment.ofArray(values));
  }

  private static MemorySegment offHeap(float[] values) {
    return offHeap(MemorySegment.ofArray(values));
  }

  private static MemorySegment offHeap(double[] values) {
    return offHeap(MemorySegment.ofArray(values));
  }

  private static MemorySegment offHeap(MemorySegment heap) {
    return Arena.ofAuto()
        .allocate(Math.max(1, heap.byteSize()), 64)
        .asSlice(0, heap.byteSize())
        .copyFrom(heap);
  }
}
