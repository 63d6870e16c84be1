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

/// Derives what belongs to one update from the site's secret, by HKDF-SHA-256 (RFC 5869). The info
/// is `label ‖ 0 ‖ run ‖ |kind| ‖ kind ‖ base version ‖ SHA-256(base weights, float32
/// little-endian)`, and what a label adds.
final class UpdateKeys {
  static final int BYTES = 32;

  private UpdateKeys() {}

  /// @param siteSecret at least 32 random bytes; not retained
  /// @param more what else the key depends on
  /// @throws IllegalArgumentException when the secret is shorter
  static byte[] derive(
      String label,
      byte[] siteSecret,
      RunId run,
      RunKind kind,
      int baseVersion,
      float[] baseWeights,
      byte... more) {
    if (siteSecret.length < BYTES) {
      throw new IllegalArgumentException(
          "site secret of %d bytes: must have at least %d".formatted(siteSecret.length, BYTES));
    }
    byte[] prefix = label.getBytes(StandardCharsets.UTF_8);
    byte[] name = kind.name().getBytes(StandardCharsets.US_ASCII);
    byte[] info =
        ByteBuffer.allocate(
                prefix.length
                    + 1
                    + Long.BYTES * 2
                    + 1
                    + name.length
                    + Integer.BYTES
                    + Digest.SIZE
                    + more.length)
            .put(prefix)
            .put((byte) 0)
            .putLong(run.value().getMostSignificantBits())
            .putLong(run.value().getLeastSignificantBits())
            .put((byte) name.length)
            .put(name)
            .putInt(baseVersion)
            .put(digest(baseWeights).bytes())
            .put(more)
            .array();
    return derive(siteSecret, info);
  }

  /// 32 bytes of HKDF over `secret` with this info and an empty salt.
  static byte[] derive(byte[] secret, byte[] info) {
    try {
      var parameters = HKDFParameterSpec.ofExtract().addIKM(secret).thenExpand(info, BYTES);
      return KDF.getInstance("HKDF-SHA256").deriveData(parameters);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("this Java has no HKDF-SHA256: use a complete JDK 25", e);
    }
  }

  private static Digest digest(float[] weights) {
    ByteBuffer values =
        ByteBuffer.allocate(Math.multiplyExact(weights.length, Float.BYTES))
            .order(ByteOrder.LITTLE_ENDIAN);
    values.asFloatBuffer().put(weights);
    return Digest.of(values.array());
  }
}
