package dev.comity.update;

import dev.comity.accounting.RandomBits;
import dev.comity.plan.RunId;
import dev.comity.plan.RunKind;
import dev.comity.plan.VectorLayout;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/// Where a site's rounding and its noise take their randomness from: one key for each (run, kind,
/// base model), so that an update is rounded once and the same way ever after, and noised likewise.
/// The base model counts by its version and its values alone: its document also names the
/// transcript of the session that made it, and that is another one each time the same run is done
/// again.
///
/// ## Security guarantees
///
/// Derived by HKDF-SHA-256 (RFC 5869) from a secret that never leaves the site, rounding and noise
/// under labels of their own; the aggregator cannot tell them from random keys. Never shown: there
/// is no accessor, and `toString` redacts.
public final class RoundingKey {
  private static final String ROUNDING = "comity rounding v1";
  private static final String NOISE = "comity noise v1";

  private final byte[] rounding;
  private final byte[] noise;

  private RoundingKey(byte[] rounding, byte[] noise) {
    this.rounding = rounding;
    this.noise = noise;
  }

  /// The key of one update.
  ///
  /// @param siteSecret at least 32 random bytes that the site keeps; not retained
  /// @param baseVersion the version of the base model in its run
  /// @param baseWeights its trainable parameters in layout order
  /// @throws IllegalArgumentException when the secret is shorter
  public static RoundingKey derive(
      byte[] siteSecret, RunId run, RunKind kind, int baseVersion, float[] baseWeights) {
    return new RoundingKey(
        UpdateKeys.derive(ROUNDING, siteSecret, run, kind, baseVersion, baseWeights),
        UpdateKeys.derive(NOISE, siteSecret, run, kind, baseVersion, baseWeights));
  }

  void start(Keystream stream) {
    stream.start(rounding, 0);
  }

  /// The bits of a layout's noise. They are others when the noise has another variance, the ring
  /// another scale or the block another length: the difference of two sums over the same noise
  /// would show the updates.
  RandomBits noise(VectorLayout layout) {
    var block = layout.block(VectorLayout.Kind.UPDATE);
    byte[] label = NOISE.getBytes(StandardCharsets.UTF_8);
    byte[] info =
        ByteBuffer.allocate(label.length + 1 + 3 * Long.BYTES)
            .put(label)
            .put((byte) 0)
            .putLong(layout.update().noiseVariance())
            .putDouble(block.scale())
            .putLong(block.length())
            .array();
    return RandomBits.ofKey(UpdateKeys.derive(noise, info));
  }

  @Override
  public String toString() {
    return "RoundingKey[redacted]";
  }
}
