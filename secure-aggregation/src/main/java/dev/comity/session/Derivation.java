package dev.comity.session;

import dev.comity.plan.Digest;
import java.security.GeneralSecurityException;
import java.security.spec.AlgorithmParameterSpec;
import javax.crypto.KDF;
import javax.crypto.spec.HKDFParameterSpec;

/// HKDF with SHA-256 (RFC 5869) whose salt is the session.
final class Derivation {
  private static final int KEY_BYTES = 32;

  private Derivation() {}

  /// 32 bytes from `secret`; `info` says what for.
  static byte[] key(byte[] secret, Digest session, Transcribed info) {
    return expand(secret, session.bytes(), info.toByteArray(), KEY_BYTES);
  }

  static byte[] expand(byte[] secret, byte[] salt, byte[] info, int length) {
    AlgorithmParameterSpec spec =
        HKDFParameterSpec.ofExtract().addIKM(secret).addSalt(salt).thenExpand(info, length);
    try {
      return KDF.getInstance("HKDF-SHA256").deriveData(spec);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(
          "this Java runtime lacks HKDF-SHA256; run Java 25 or newer", e);
    }
  }
}
