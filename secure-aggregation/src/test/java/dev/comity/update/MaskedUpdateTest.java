package dev.comity.update;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.comity.plan.Digest;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MaskedUpdateTest {
  private static final int LARGE = 700_000; // two whole chunks and a part, many tiles

  @TempDir Path folder;

  @Test
  void theMaskedBytesLookUniformAndTheUpdateInClearDoesNot() {
    var noised = Sites.noised(1, LARGE);

    var masked = noised.mask(Sites.Masks.random(1, 5).of(2));

    // 255 degrees of freedom: mean 255, standard deviation 22.6; five deviations either side.
    assertThat(chiSquare(masked.ring())).isBetween(142.0, 368.0);
    assertThat(chiSquare(noised.ring())).isGreaterThan(1e5);
  }

  @Test
  void oneSelfMaskAloneHidesTheUpdate() {
    var noised = Sites.noised(1, LARGE);

    var masked = noised.mask(List.of(Sites.Masks.random(1, 1).of(0).getFirst()));

    assertThat(chiSquare(masked.ring())).isBetween(142.0, 368.0);
    long same = 0;
    for (long at = 0; at < masked.byteLength(); at += 4) {
      if (masked.ring().get(Ring.INT, at) == noised.ring().get(Ring.INT, at)) {
        same++;
      }
    }
    assertThat(same).as("elements that the mask left as they were").isLessThanOrEqualTo(2);
  }

  @Test
  void everyElementIsThePlainOnePlusTheStreams() {
    var noised = Sites.noised(4, 100_000);
    var masks = Sites.Masks.random(2, 4).of(1);

    var masked = noised.mask(masks);

    int[] expected = noised.ring().toArray(Ring.INT);
    for (var mask : masks) {
      var stream = new AesKeystream();
      mask.key().start(stream, 0);
      for (int i = 0; i < expected.length; i++) {
        int element = stream.next(4).get(Ring.INT, 0);
        expected[i] += mask.add() ? element : -element;
      }
    }
    assertThat(masked.ring().toArray(Ring.INT)).isEqualTo(expected);
  }

  @Test
  void maskingLeavesTheUpdateItself() {
    var noised = Sites.noised(1, 500);
    int[] before = noised.ring().toArray(Ring.INT);

    noised.mask(Sites.Masks.random(1, 3).of(0));

    assertThat(noised.ring().toArray(Ring.INT)).isEqualTo(before);
  }

  @Test
  void anUpdateWithoutMasksIsRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Sites.noised(1, 5).mask(List.of()))
        .withMessage("no masks: an update must not leave its site unmasked");
  }

  @Test
  void aMaskThatCancelsAnotherIsRefused() {
    var key = Sites.Masks.random(1, 1).self().getFirst();
    var sameKey = List.of(new Mask(key, true), new Mask(key, false));

    assertThatIllegalArgumentException()
        .isThrownBy(() -> Sites.noised(1, 5).mask(sameKey))
        .withMessage("a mask key is used twice: every mask needs its own");
  }

  @Test
  void aDestroyedKeyMasksNothing() {
    var masks = Sites.Masks.random(1, 3).of(0);

    masks.getFirst().key().destroy();

    assertThat(masks.getFirst().key().isDestroyed()).isTrue();
    assertThatThrownBy(() -> Sites.noised(1, 5).mask(masks))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("mask key was destroyed");
  }

  @Test
  void aMaskShowsNoKey() {
    byte[] secret = new byte[32];
    secret[0] = 77;

    assertThat(new Mask(MaskKey.of(secret), true).toString())
        .isEqualTo("Mask[key=MaskKey[redacted], add=true]");
  }

  @Test
  void maskKeysAreEqualByContentAndHaveThirtyTwoBytes() {
    byte[] secret = new byte[32];
    var key = MaskKey.of(secret);
    secret[3] = 1;

    assertThat(key).isEqualTo(MaskKey.of(new byte[32])).isNotEqualTo(MaskKey.of(secret));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> MaskKey.of(new byte[31]))
        .withMessage("mask key of 31 bytes: must have 32");
  }

  @Test
  void theDigestIsSha256OfTheBytesThatTravel() throws Exception {
    var masked = Sites.noised(1, LARGE).mask(Sites.Masks.random(1, 3).of(0));

    byte[] expected = MessageDigest.getInstance("SHA-256").digest(travelling(masked));

    assertThat(masked.digest()).isEqualTo(Digest.ofValue(expected));
  }

  @Test
  void theChunkRootFollowsItsFormula() throws IOException {
    var masked = Sites.noised(1, LARGE).mask(Sites.Masks.random(1, 3).of(0));
    byte[] bytes = travelling(masked);
    List<byte[]> leaves = new ArrayList<>();
    for (int at = 0; at < bytes.length; at += 1 << 20) {
      byte[] chunk = Arrays.copyOfRange(bytes, at, Math.min(bytes.length, at + (1 << 20)));
      leaves.add(Digest.ofAll(new byte[] {0}, Digest.of(chunk).bytes()).bytes());
    }
    assertThat(leaves).hasSize(3);
    byte[] left = Digest.ofAll(new byte[] {1}, leaves.get(0), leaves.get(1)).bytes();
    byte[] top = Digest.ofAll(new byte[] {1}, left, leaves.get(2)).bytes();
    byte[] length = ByteBuffer.allocate(8).putLong(bytes.length).array();
    var spool = Files.write(folder.resolve("spool"), bytes);

    var root = Digest.ofAll(new byte[] {2}, length, top);

    assertThat(masked.chunkRoot()).isEqualTo(root);
    assertThat(MaskedUpdate.chunkRootOf(spool)).isEqualTo(root);
  }

  @Test
  void aChangeInAnyChunkChangesTheRoot() throws IOException {
    byte[] bytes = travelling(Sites.noised(1, LARGE).mask(Sites.Masks.random(1, 3).of(0)));
    var root = ChunkTree.rootOf(MemorySegment.ofArray(bytes));

    for (int at : new int[] {0, 1 << 20, (2 << 20) - 1, bytes.length - 1}) {
      bytes[at] ^= 1;
      assertThat(ChunkTree.rootOf(MemorySegment.ofArray(bytes))).isNotEqualTo(root);
      bytes[at] ^= 1;
    }
    assertThat(ChunkTree.rootOf(MemorySegment.ofArray(bytes))).isEqualTo(root);
  }

  @Test
  void bytesOutsideOfTheVectorAreRefused() {
    var masked = Sites.noised(1, 5).mask(Sites.Masks.random(1, 3).of(0));

    assertThat(masked.bytes(masked.byteLength(), 10).remaining()).isZero();
    assertThat(masked.bytes(4, 10).remaining()).isEqualTo(10);
    assertThat(masked.bytes(0, 10).isReadOnly()).isTrue();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> masked.bytes(masked.byteLength() + 1, 10))
        .withMessageStartingWith("offset " + (masked.byteLength() + 1));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> masked.bytes(0, 0))
        .withMessage("limit 0: must be > 0");
  }

  private static byte[] travelling(MaskedUpdate masked) {
    byte[] bytes = new byte[Math.toIntExact(masked.byteLength())];
    for (int at = 0; at < bytes.length; ) {
      var part = masked.bytes(at, 100_000);
      int length = part.remaining();
      part.get(bytes, at, length);
      at += length;
    }
    return bytes;
  }

  private static double chiSquare(MemorySegment bytes) {
    long[] seen = new long[256];
    for (byte each : bytes.toArray(ValueLayout.JAVA_BYTE)) {
      seen[Byte.toUnsignedInt(each)]++;
    }
    double expected = bytes.byteSize() / 256.0;
    double chiSquare = 0;
    for (long each : seen) {
      chiSquare += (each - expected) * (each - expected) / expected;
    }
    return chiSquare;
  }
}
