package dev.comity.update;

import dev.comity.plan.RunId;
import dev.comity.plan.RunKind;

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
  private static final String LABEL = "comity rounding v1";

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
    return new RoundingKey(
        UpdateKeys.derive(LABEL, siteSecret, run, kind, baseVersion, baseWeights));
  }

  void start(Keystream stream) {
    stream.start(secret, 0);
  }

  @Override
  public String toString() {
    return "RoundingKey[redacted]";
  }
}
