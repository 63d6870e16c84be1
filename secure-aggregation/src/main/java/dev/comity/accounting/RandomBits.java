package dev.comity.accounting;

import java.security.SecureRandom;

/// A source of uniform, independent bits. Owned by one thread.
///
/// ## Security guarantees
///
/// Those of [#ofKey] and [#fresh] cannot be told from true randomness by anybody without the key
/// (AES-256 in counter mode, NIST SP 800-38A §6.5). Privacy holds only for noise from such a
/// source.
@FunctionalInterface
public interface RandomBits {
  /// 64 fresh bits.
  long next64();

  /// The stream of a key, from its start: the same key gives the same bits, so a key serves once.
  ///
  /// @param key 32 secret bytes, not retained
  static RandomBits ofKey(byte[] key) {
    return new CounterModeBits(key);
  }

  /// The stream of a new random key.
  static RandomBits fresh() {
    byte[] key = new byte[CounterModeBits.KEY_BYTES];
    new SecureRandom().nextBytes(key);
    return ofKey(key);
  }
}
