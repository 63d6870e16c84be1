package dev.comity.demo;

import static java.nio.charset.StandardCharsets.US_ASCII;

import dev.comity.membership.MessageKey;
import dev.comity.plan.Digest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.SecureRandom;
import java.security.spec.NamedParameterSpec;
import java.util.Base64;

/// Secrets that follow from a seed: roundings, hence weights, are the same to the bit in every run
/// of it, and so are the transcripts. Good for benchmarks alone: whoever knows the seed knows every
/// secret.
record ReplayableSecrets(long seed) {

  /// 32 bytes for one purpose.
  byte[] bytes(String purpose) {
    return Digest.of((seed + " " + purpose).getBytes(US_ASCII)).bytes();
  }

  /// A generator for one purpose whose bytes are always the same.
  SecureRandom generator(String purpose) {
    try {
      var generator = SecureRandom.getInstance("SHA1PRNG"); // seeded before its first use: replays
      generator.setSeed(bytes(purpose));
      return generator;
    } catch (GeneralSecurityException lacking) {
      throw new IllegalStateException("this Java has no SHA1PRNG", lacking);
    }
  }

  /// An Ed25519 key for one purpose, by way of a key file in `folder`.
  MessageKey messageKey(String purpose, Path folder) throws IOException {
    var file = folder.resolve(purpose + ".key");
    Files.createFile(
        file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    Files.writeString(file, pem(keyPair(generator(purpose))), US_ASCII);
    return MessageKey.read(file);
  }

  private static KeyPair keyPair(SecureRandom random) {
    try {
      var generator = KeyPairGenerator.getInstance("Ed25519");
      generator.initialize(NamedParameterSpec.ED25519, random);
      return generator.generateKeyPair();
    } catch (GeneralSecurityException lacking) {
      throw new IllegalStateException("this Java has no Ed25519", lacking);
    }
  }

  private static String pem(KeyPair pair) {
    return block("PRIVATE KEY", pair.getPrivate().getEncoded())
        + block("PUBLIC KEY", pair.getPublic().getEncoded());
  }

  private static String block(String kind, byte[] der) {
    return "-----BEGIN %1$s-----\n%2$s\n-----END %1$s-----\n"
        .formatted(kind, Base64.getEncoder().encodeToString(der));
  }

  @Override
  public String toString() {
    return "ReplayableSecrets[redacted]";
  }
}
