package dev.comity.update;

import java.security.GeneralSecurityException;
import javax.crypto.Cipher;
import javax.crypto.spec.ChaCha20ParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/// ChaCha20 (RFC 8439 §2.4).
final class ChaCha20Keystream extends Keystream {
  private static final int CIPHER_BLOCK = 64;
  private static final int NONCE = 12;

  /// Of a 32-bit block counter.
  private static final long MOST_BLOCKS = 1L << 32;

  private Cipher cipher = fresh();

  /// With a zero nonce, from block zero.
  @Override
  void start(byte[] key, long offset) {
    long block = block(offset, CIPHER_BLOCK);
    if (block >= MOST_BLOCKS) {
      throw new IllegalArgumentException(
          "offset %d: a ChaCha20 stream has 2^38 bytes; use the AES suite".formatted(offset));
    }
    start(key, new byte[NONCE], (int) block);
  }

  /// Begins a stream at block `counter`, 32 bits without sign.
  void start(byte[] key, byte[] nonce, int counter) {
    cipher =
        fresh(); // the runtime's refuses key and nonce of its last stream, and we enter it again
    try {
      cipher.init(
          Cipher.ENCRYPT_MODE,
          new SecretKeySpec(key, "ChaCha20"),
          new ChaCha20ParameterSpec(nonce, counter));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("ChaCha20 refused its key or nonce", e);
    }
  }

  @Override
  Cipher cipher() {
    return cipher;
  }

  private static Cipher fresh() {
    return cipher("ChaCha20");
  }
}
