package dev.comity.update;

import dev.comity.plan.Digest;
import dev.comity.plan.RunId;
import dev.comity.plan.RunKind;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import javax.crypto.KDF;
import javax.crypto.spec.HKDFParameterSpec;

/// Where a site's rounding takes its randomness from: one key for each (run, kind, base model), so
/// that an update is rounded once and the same way ever after. The base model counts by its version
/// and its values alone: its document also names the transcript of the session that made it, and
/// that is another one each time the same run is done again.
///
/// ## Security guarantees
///
/// Derived by HKDF-SHA-256 (RFC 5869) from a secret that never leaves the site; the aggregator
/// cannot tell it from a random key. Never shown: there is no accessor, and `toString` redacts.
public final class RoundingKey {
  private static final byte[] LABEL = "comity rounding v1".getBytes(StandardCharsets.UTF_8);
  private static final int BYTES = 32;

  private final byte[] secret;

  private RoundingKey(byte[] secret) {
    this.secret = secret;
  }

  /// The key of one update.
  ///
  /// @param siteSecret at least 32 random bytes that the site keeps; not retained
  /// @param baseVersion the version of the base model in its run
  /// @param baseWeights its trainable parameters in layout order
  /// @throws IllegalArgumentException when the secret is shorter
  public static RoundingKey derive(
      byte[] siteSecret, RunId run, RunKind kind, int baseVersion, float[] baseWeights) {
    ByteBuffer values =
        ByteBuffer.allocate(Math.multiplyExact(baseWeights.length, Float.BYTES))
            .order(ByteOrder.LITTLE_ENDIAN);
    values.asFloatBuffer().put(baseWeights);
    return derive(siteSecret, run, kind, baseVersion, Digest.of(values.array()));
  }

  private static RoundingKey derive(
      byte[] siteSecret, RunId run, RunKind kind, int baseVersion, Digest baseWeights) {
    if (siteSecret.length < BYTES) {
      throw new IllegalArgumentException(
          "site secret of %d bytes: must have at least %d".formatted(siteSecret.length, BYTES));
    }
    byte[] name = kind.name().getBytes(StandardCharsets.US_ASCII);
    byte[] info =
        ByteBuffer.allocate(
                LABEL.length + 1 + Long.BYTES * 2 + 1 + name.length + Integer.BYTES + BYTES)
            .put(LABEL)
            .put((byte) 0)
            .putLong(run.value().getMostSignificantBits())
            .putLong(run.value().getLeastSignificantBits())
            .put((byte) name.length)
            .put(name)
            .putInt(baseVersion)
            .put(baseWeights.bytes())
            .array();
    try {
      var parameters = HKDFParameterSpec.ofExtract().addIKM(siteSecret).thenExpand(info, BYTES);
      return new RoundingKey(KDF.getInstance("HKDF-SHA256").deriveData(parameters));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("this Java has no HKDF-SHA256: use a complete JDK 25", e);
    }
  }

  void start(Keystream stream) {
    stream.start(secret, 0);
  }

  @Override
  public String toString() {
    return "RoundingKey[redacted]";
  }
}
