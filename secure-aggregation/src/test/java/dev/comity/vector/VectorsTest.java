package dev.comity.vector;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import org.junit.jupiter.api.Test;

class VectorsTest {

  @Test
  void aProcessWithTheVectorModuleUsesIt() {
    assertThat(ChosenVectorKernels.choose(ModuleLayer.boot()))
        .isInstanceOf(PanamaVectorKernels.class);
  }

  @Test
  void aProcessWithoutTheVectorModuleFallsBackToTheLoops() {
    assertThat(ChosenVectorKernels.choose(ModuleLayer.empty()))
        .isInstanceOf(ScalarVectorKernels.class);
  }

  @Test
  void segmentsOfDifferentLengthAreRefused() {
    var four = MemorySegment.ofArray(new int[4]);
    var five = MemorySegment.ofArray(new int[5]);

    assertThatThrownBy(() -> Vectors.addModular(32, four, five))
        .hasMessage("sum has 16 bytes and addend has 20: they must be equal");
    assertThatThrownBy(() -> Vectors.subtractModular(32, five, four))
        .hasMessage("difference has 20 bytes and subtrahend has 16: they must be equal");
    assertThatThrownBy(() -> Vectors.dequantise(four, five, 1))
        .hasMessage("target has 16 bytes and source has 20: they must be equal");
    assertThatThrownBy(() -> Vectors.scaledAdd(four, 1f, five))
        .hasMessage("target has 16 bytes and addend has 20: they must be equal");
  }

  @Test
  void segmentsThatCutAnElementAreRefused() {
    var ragged = MemorySegment.ofArray(new byte[7]);

    assertThatThrownBy(() -> Vectors.norm2(ragged))
        .hasMessage("x has 7 bytes: must be a multiple of 4");
    assertThatThrownBy(() -> Vectors.scale(ragged, 2f))
        .hasMessage("target has 7 bytes: must be a multiple of 4");
  }

  @Test
  void arraysAndMemoryOffTheHeapGiveTheSameBits() {
    var random = new Random(4);
    float[] values = new float[1001];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    var heap = MemorySegment.ofArray(values);
    var offHeap = Arena.ofAuto().allocate(heap.byteSize(), 64).copyFrom(heap);

    Vectors.scaledAdd(heap, 0.1f, heap);
    Vectors.scaledAdd(offHeap, 0.1f, offHeap);

    assertThat(heap.mismatch(offHeap)).isEqualTo(-1);
    assertThat(Vectors.norm2(heap)).isEqualTo(Vectors.norm2(offHeap));
  }

  @Test
  void thePublicFaceComputes() {
    int[] sum = {1, Integer.MAX_VALUE};
    Vectors.addModular(32, MemorySegment.ofArray(sum), MemorySegment.ofArray(new int[] {2, 1}));

    assertThat(sum).containsExactly(3, Integer.MIN_VALUE);
    assertThat(Vectors.norm2(MemorySegment.ofArray(new float[] {3f, 4f}))).isEqualTo(5.0);
  }

  @Test
  void widthsThatAreNoPresetAreRefused() {
    var segment = MemorySegment.ofArray(new byte[24]);

    for (int bits : new int[] {0, 8, 20, 33, 64}) {
      assertThatThrownBy(() -> Vectors.addModular(bits, segment, segment))
          .hasMessage("elements of %d bits: must be 16, 24 or 32", bits);
    }
  }

  @Test
  void packedElementsThatAreCutOrOfAnotherNumberAreRefused() {
    var twelve = MemorySegment.ofArray(new byte[12]);
    var ten = MemorySegment.ofArray(new byte[10]);

    assertThatThrownBy(() -> Vectors.addModular(24, ten, ten))
        .hasMessage("sum has 10 bytes: must be a multiple of 3");
    assertThatThrownBy(() -> Vectors.pack(24, twelve, twelve))
        .hasMessage(
            "target has 12 bytes of 24-bit elements and source has 12 of 32-bit elements: must be as"
                + " many elements");
    assertThatThrownBy(() -> Vectors.unpack(16, twelve, twelve))
        .hasMessageContaining("must be as many elements");
  }

  @Test
  void aTransformOfNoPowerOfTwoIsRefused() {
    for (int bytes : new int[] {0, 4, 24, 40}) {
      assertThatThrownBy(() -> Vectors.walshHadamard(MemorySegment.ofArray(new byte[bytes])))
          .hasMessage("x has %d bytes: must be doubles, as many as a power of two", bytes);
    }
  }
}
