package dev.comity.update;

import dev.comity.plan.Suite;
import java.security.MessageDigest;
import java.util.Arrays;
import javax.security.auth.Destroyable;

/// The 32 secret bytes of one mask and the generator that makes it of them: a key used for one
/// stream in one session.
///
/// ## Security guarantees
///
/// The bytes cannot be read back; `toString` redacts; equality takes constant time. After
/// [#destroy] they are overwritten and every use fails.
public final class MaskKey implements Destroyable {
  /// Length in bytes.
  public static final int BYTES = 32;

  private final Suite.Generator generator;
  private final byte[] secret;
  private boolean destroyed;

  private MaskKey(Suite.Generator generator, byte[] secret) {
    this.generator = generator;
    this.secret = secret;
  }

  /// A key of these bytes, copied, for AES-256-CTR.
  ///
  /// @throws IllegalArgumentException when they are not 32
  public static MaskKey of(byte[] secret) {
    return of(Suite.Generator.AES_256_CTR, secret);
  }

  /// A key of these bytes, copied.
  ///
  /// @throws IllegalArgumentException when they are not 32
  public static MaskKey of(Suite.Generator generator, byte[] secret) {
    if (secret.length != BYTES) {
      throw new IllegalArgumentException(
          "mask key of %d bytes: must have %d".formatted(secret.length, BYTES));
    }
    return new MaskKey(generator, secret.clone());
  }

  Suite.Generator generator() {
    return generator;
  }

  /// `stream` is of this key's generator.
  ///
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
    return other instanceof MaskKey key
        && generator == key.generator
        && MessageDigest.isEqual(secret, key.secret);
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
