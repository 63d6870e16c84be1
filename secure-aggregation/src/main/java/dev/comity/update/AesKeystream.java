package dev.comity.update;

import java.security.GeneralSecurityException;
import javax.crypto.Cipher;
import javax.crypto.spec.IvParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/// AES-256 in counter mode (NIST SP 800-38A §6.5).
final class AesKeystream extends Keystream {
  private static final int CIPHER_BLOCK = 16;

  private final Cipher cipher = cipher("AES/CTR/NoPadding");

  /// With a zero initial counter.
  @Override
  void start(byte[] key, long offset) {
    byte[] counter = new byte[CIPHER_BLOCK];
    long block = block(offset, CIPHER_BLOCK);
    for (int i = CIPHER_BLOCK - 1; i >= CIPHER_BLOCK - Long.BYTES; i--) {
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

  @Override
  Cipher cipher() {
    return cipher;
  }
}
