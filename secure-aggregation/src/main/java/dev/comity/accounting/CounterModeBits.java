package dev.comity.accounting;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.GeneralSecurityException;
import javax.crypto.Cipher;
import javax.crypto.spec.IvParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/// AES-256 in counter mode with a zero initial counter, eight bytes at a time, little-endian.
final class CounterModeBits implements RandomBits {
  static final int KEY_BYTES = 32;

  /// Small steps: the JIT compiles the cipher by counting its calls.
  private static final int STEP = 4096;

  private static final int BLOCK = 16;
  private static final byte[] ZEROS = new byte[STEP];

  private final Cipher cipher;
  private final byte[] step = new byte[STEP];
  private final ByteBuffer unread = ByteBuffer.wrap(step).order(ByteOrder.LITTLE_ENDIAN);

  CounterModeBits(byte[] key) {
    if (key.length != KEY_BYTES) {
      throw new IllegalArgumentException(
          "key of %d bytes: must have %d".formatted(key.length, KEY_BYTES));
    }
    try {
      cipher = Cipher.getInstance("AES/CTR/NoPadding");
      cipher.init(
          Cipher.ENCRYPT_MODE, new SecretKeySpec(key, "AES"), new IvParameterSpec(new byte[BLOCK]));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("this Java has no AES/CTR: use a complete JDK 25", e);
    }
    unread.position(STEP);
  }

  @Override
  public long next64() {
    if (!unread.hasRemaining()) {
      try {
        cipher.update(ZEROS, 0, STEP, step, 0);
      } catch (GeneralSecurityException e) {
        throw new IllegalStateException("AES/CTR gave no output", e);
      }
      unread.rewind();
    }
    return unread.getLong();
  }

  @Override
  public String toString() {
    return "RandomBits[redacted]";
  }
}
