package dev.comity.update;

import java.security.MessageDigest;
import java.util.Arrays;
import javax.security.auth.Destroyable;

/// The 32 secret bytes of one mask: an AES-256 key used for one stream in one session.
///
/// ## Security guarantees
///
/// The bytes cannot be read back; `toString` redacts; equality takes constant time. After
/// [#destroy] they are overwritten and every use fails.
public final class MaskKey implements Destroyable {
  /// Length in bytes.
  public static final int BYTES = 32;

  private final byte[] secret;
  private boolean destroyed;

  private MaskKey(byte[] secret) {
    this.secret = secret;
  }

  /// A key of these bytes, copied.
  ///
  /// @throws IllegalArgumentException when they are not 32
  public static MaskKey of(byte[] secret) {
    if (secret.length != BYTES) {
      throw new IllegalArgumentException(
          "mask key of %d bytes: must have %d".formatted(secret.length, BYTES));
    }
    return new MaskKey(secret.clone());
  }

  /// @throws IllegalStateException after [#destroy]
  synchronized void start(Keystream stream, long offset) {
    if (destroyed) {
      throw new IllegalStateException("mask key was destroyed");
    }
    stream.start(secret, offset);
  }

  @Override
  public synchronized void destroy() {
    Arrays.fill(secret, (byte) 0);
    destroyed = true;
  }

  @Override
  public synchronized boolean isDestroyed() {
    return destroyed;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof MaskKey key && MessageDigest.isEqual(secret, key.secret);
  }

  @Override
  public int hashCode() {
    return MaskKey.class.hashCode();
  }

  @Override
  public String toString() {
    return "MaskKey[redacted]";
  }
}
