package dev.comity.federation;

import dev.comity.membership.MessagePublicKey;
import dev.comity.plan.Digest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;

/// The consortium's public key, on which membership and invitations rest. Configured whole, or by
/// its fingerprint; then the key itself is taken from the first invitation that matches, and kept.
///
/// Safe for use by many threads.
public final class ConsortiumKey {
  private final Digest fingerprint;
  private final SecretFile learned;

  private ConsortiumKey(Digest fingerprint, SecretFile learned) {
    this.fingerprint = fingerprint;
    this.learned = learned;
  }

  /// @param configured path of a file with the key (PEM, or 64 hexadecimal digits), or the
  ///   fingerprint
  /// @throws IllegalArgumentException when it is neither
  public static ConsortiumKey open(String configured, DataDirectory directory) {
    var learned = new SecretFile(directory.keys().resolve("consortium.pub"));
    if (Files.isRegularFile(Path.of(configured))) {
      var key = read(Path.of(configured));
      var consortium = new ConsortiumKey(key.fingerprint(), learned);
      consortium.learn(key);
      return consortium;
    }
    try {
      return new ConsortiumKey(MessagePublicKey.parseFingerprint(configured), learned);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "comity.consortium-key \"%s\" is neither a file nor a fingerprint of 64 hexadecimal digits; the consortium's `init` command makes both"
              .formatted(configured),
          e);
    }
  }

  /// The key, once it is known.
  public Optional<MessagePublicKey> key() {
    return learned.exists()
        ? Optional.of(MessagePublicKey.fromHex(learned.read().strip()))
            .filter(key -> key.fingerprint().equals(fingerprint))
        : Optional.empty();
  }

  /// Whether `key` is the consortium's; keeps it when it is.
  boolean learn(MessagePublicKey key) {
    if (!key.fingerprint().equals(fingerprint)) {
      return false;
    }
    if (!key().equals(Optional.of(key))) {
      learned.write(key.hex() + "\n");
    }
    return true;
  }

  private static MessagePublicKey read(Path file) {
    try {
      var text = Files.readString(file, StandardCharsets.US_ASCII).strip();
      if (text.startsWith("-----")) {
        var spki = Pem.decode("PUBLIC KEY", text);
        return MessagePublicKey.of(
            Arrays.copyOfRange(
                spki, Math.max(0, spki.length - MessagePublicKey.SIZE), spki.length));
      }
      return MessagePublicKey.fromHex(text);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read the consortium's key " + file, e);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          file + " holds no Ed25519 public key; take the one that `init` wrote", e);
    }
  }
}
