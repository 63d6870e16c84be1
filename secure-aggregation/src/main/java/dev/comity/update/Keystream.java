package dev.comity.update;

import dev.comity.plan.Suite;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.security.GeneralSecurityException;
import javax.crypto.Cipher;

/// A stream cipher as a generator, in steps of at most [#STEP] bytes.
///
/// The step is small on purpose. The JIT compiles the cipher's inner loop by counting calls: with
/// calls of 64 KiB a process masks thirty times too slowly until it has made thousands of them,
/// with 4 KiB it is at full speed within a few megabytes, and as fast from there on. Owned by one
/// thread; the bytes given out lie off the heap, where the vector kernels are fast, and are
/// overwritten by the next step.
abstract sealed class Keystream permits AesKeystream, ChaCha20Keystream {
  /// Bytes of one step at most.
  static final int STEP = 4096;

  /// A stream of either kind may be entered at multiples of so many bytes.
  static final int BLOCK = 64;

  private static final byte[] ZEROS = new byte[STEP];

  private final byte[] buffer = new byte[STEP];
  private final MemorySegment offHeap = Arena.ofAuto().allocate(STEP, BLOCK);

  static Keystream of(Suite.Generator generator) {
    return switch (generator) {
      case AES_256_CTR -> new AesKeystream();
      case CHACHA20 -> new ChaCha20Keystream();
    };
  }

  /// Goes to byte `offset`, a multiple of the cipher's own block, of the mask of `key`.
  abstract void start(byte[] key, long offset);

  /// The cipher, at its present place.
  abstract Cipher cipher();

  /// The next `bytes` bytes, at most [#STEP], valid until the next call.
  final MemorySegment next(int bytes) {
    try {
      cipher().update(ZEROS, 0, bytes, buffer, 0);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(cipher().getAlgorithm() + " gave no output", e);
    }
    MemorySegment.copy(buffer, 0, offHeap, ValueLayout.JAVA_BYTE, 0, bytes);
    return offHeap.asSlice(0, bytes);
  }

  /// Which block of `size` bytes begins at `offset`.
  static long block(long offset, int size) {
    if (offset % size != 0) {
      throw new IllegalArgumentException(
          "offset %d: must be a multiple of %d".formatted(offset, size));
    }
    return offset / size;
  }

  static Cipher cipher(String algorithm) {
    try {
      return Cipher.getInstance(algorithm);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(
          "this Java has no %s: use a complete JDK 25".formatted(algorithm), e);
    }
  }
}
