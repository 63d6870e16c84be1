package dev.comity.update;

import dev.comity.plan.Digest;
import dev.comity.plan.UpdateTerms;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/// Where a training with differential privacy takes its samples and its noise from: one key for
/// each update, so that a training that is repeated after a kill draws the same again and there is
/// one release.
///
/// Unlike a [RoundingKey] it depends on all of the terms, and each [#branch] on the data too: two
/// trainings that differ in a clip norm or in one record and shared their noise would differ by the
/// data without any noise.
///
/// ## Security guarantees
///
/// Derived by HKDF-SHA-256 (RFC 5869) from a secret that never leaves the site, which it does not
/// tell; whoever holds this key can take the noise out of its update. Never shown: there is no
/// accessor, and `toString` redacts.
public final class TrainingKey {
  private static final String LABEL = "comity training v1";

  private final byte[] secret;

  private TrainingKey(byte[] secret) {
    this.secret = secret;
  }

  /// The key of one update.
  ///
  /// @param siteSecret at least 32 random bytes that the site keeps; not retained
  /// @param baseWeights the trainable parameters of the base model in layout order
  /// @throws IllegalArgumentException when the secret is shorter
  public static TrainingKey derive(byte[] siteSecret, UpdateTerms terms, float[] baseWeights) {
    return new TrainingKey(
        UpdateKeys.derive(
            LABEL,
            siteSecret,
            terms.run(),
            terms.kind(),
            terms.baseVersion(),
            baseWeights,
            terms.digest().bytes()));
  }

  /// The key of one use on one set of data, independent of every other.
  public TrainingKey branch(String use, Digest data) {
    byte[] label = (LABEL + " " + use).getBytes(StandardCharsets.UTF_8);
    return new TrainingKey(
        UpdateKeys.derive(
            secret,
            ByteBuffer.allocate(label.length + 1 + Digest.SIZE)
                .put(label)
                .put((byte) 0)
                .put(data.bytes())
                .array()));
  }

  /// The random numbers of this key, from the first.
  public RandomStream stream() {
    return new RandomStream(secret);
  }

  @Override
  public String toString() {
    return "TrainingKey[redacted]";
  }
}
