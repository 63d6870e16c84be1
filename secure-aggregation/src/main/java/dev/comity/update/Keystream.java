package dev.comity.update;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.security.GeneralSecurityException;
import javax.crypto.Cipher;
import javax.crypto.spec.IvParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/// AES-256 in counter mode as a generator (NIST SP 800-38A §6.5), in steps of at most [#STEP]
/// bytes.
///
/// The step is small on purpose. The JIT compiles the cipher's inner loop by counting calls: with
/// calls of 64 KiB a process masks thirty times too slowly until it has made thousands of them,
/// with 4 KiB it is at full speed within a few megabytes, and as fast from there on. Owned by one
/// thread; the bytes given out lie off the heap, where the vector kernels are fast, and are
/// overwritten by the next step.
final class Keystream {
  /// Bytes of one step at most.
  static final int STEP = 4096;

  private static final int BLOCK = 16;
  private static final byte[] ZEROS = new byte[STEP];

  private final Cipher cipher;
  private final byte[] buffer = new byte[STEP];
  private final MemorySegment offHeap = Arena.ofAuto().allocate(STEP, BLOCK);

  Keystream() {
    try {
      cipher = Cipher.getInstance("AES/CTR/NoPadding");
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("this Java has no AES/CTR: use a complete JDK 25", e);
    }
  }

  /// Goes to byte `offset`, a multiple of 16, of the stream of `key` with a zero initial counter.
  void start(byte[] key, long offset) {
    if (offset % BLOCK != 0) {
      throw new IllegalArgumentException("offset " + offset + ": must be a multiple of 16");
    }
    byte[] counter = new byte[BLOCK];
    long block = offset / BLOCK;
    for (int i = BLOCK - 1; i >= BLOCK - Long.BYTES; i--) {
      counter[i] = (byte) block;
      block >>>= Byte.SIZE;
    }
    start(key, counter);
  }

  /// Begins a stream at the 16 bytes of `counter`.
  void start(byte[] key, byte[] counter) {
    try {
      cipher.init(Cipher.ENCRYPT_MODE, new SecretKeySpec(key, "AES"), new IvParameterSpec(counter));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("AES/CTR refused its key or counter", e);
    }
  }

  /// The next `bytes` bytes, at most [#STEP], valid until the next call.
  MemorySegment next(int bytes) {
    try {
      cipher.update(ZEROS, 0, bytes, buffer, 0);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("AES/CTR gave no output", e);
    }
    MemorySegment.copy(buffer, 0, offHeap, ValueLayout.JAVA_BYTE, 0, bytes);
    return offHeap.asSlice(0, bytes);
  }
}
