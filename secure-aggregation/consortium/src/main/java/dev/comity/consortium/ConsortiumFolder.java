package dev.comity.consortium;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import dev.comity.membership.MessageKey;
import dev.comity.membership.MessagePublicKey;
import dev.comity.membership.SignedMembership;
import dev.comity.plan.Digest;
import dev.comity.plan.FederationId;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/// The consortium's folder: `consortium.key` (0600), `consortium.pub` (64 hexadecimal digits), then
/// `federation.json` (whom this key speaks for, remembered at the first invitation),
/// `membership-VERSION.json` (each membership that an aggregator took) and
/// `membership-VERSION.pending.json` (one that is signed and of which no answer came yet).
record ConsortiumFolder(Path path) {
  /// The federation and the aggregator that this consortium first met.
  record Acquaintance(FederationId federation, Digest caPin, MessagePublicKey messageKey) {}

  static ConsortiumFolder create(Path path) {
    try {
      Files.createDirectories(
          path, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot create the folder " + path + ": " + e.getMessage(), e);
    }
    ConsortiumFolder folder = new ConsortiumFolder(path);
    MessageKey key = MessageKey.generate();
    key.write(path.resolve("consortium.key"));
    folder.write("consortium.pub", key.publicKey().hex() + "\n");
    return folder;
  }

  MessageKey key() {
    Path file = path.resolve("consortium.key");
    if (!Files.exists(file)) {
      throw new IllegalArgumentException(
          "%s holds no consortium key; make one with: comity-consortium init --dir %s"
              .formatted(path, path));
    }
    return MessageKey.read(file);
  }

  /// The public key alone, without touching the private one.
  MessagePublicKey publicKey() {
    Path file = path.resolve("consortium.pub");
    if (!Files.exists(file)) {
      throw new IllegalArgumentException(
          "%s holds no consortium.pub; make a key with: comity-consortium init --dir %s"
              .formatted(path, path));
    }
    return MessagePublicKey.fromHex(read(file).strip());
  }

  Optional<Acquaintance> acquaintance() {
    Path file = path.resolve("federation.json");
    if (!Files.exists(file)) {
      return Optional.empty();
    }
    JsonNode json = Json.parse(file.toString(), read(file));
    return Optional.of(
        new Acquaintance(
            new FederationId(Json.text(file.toString(), json, "federation")),
            Digest.fromHex(Json.text(file.toString(), json, "caPin")),
            MessagePublicKey.fromHex(Json.text(file.toString(), json, "messageKey"))));
  }

  /// Remembers the federation at the first meeting; afterwards refuses any other than that one.
  void meet(FederationInfo info) {
    Acquaintance now = new Acquaintance(info.federation(), info.caPin(), info.messageKey());
    Optional<Acquaintance> before = acquaintance();
    if (before.isPresent() && !before.get().equals(now)) {
      throw new AggregatorException(
          "this folder belongs to federation %s with CA pin %s and aggregator key %s; found federation %s with CA pin %s and aggregator key %s. If the aggregator was rightly replaced, remove %s"
              .formatted(
                  before.get().federation(),
                  before.get().caPin(),
                  before.get().messageKey(),
                  now.federation(),
                  now.caPin(),
                  now.messageKey(),
                  path.resolve("federation.json")));
    }
    if (before.isEmpty()) {
      write(
          "federation.json",
          Json.pretty(
                  Json.object()
                      .put("federation", now.federation().value())
                      .put("caPin", now.caPin().hex())
                      .put("messageKey", now.messageKey().hex()))
              + "\n");
    }
  }

  /// Records a membership before any aggregator sees it: from then on it may exist elsewhere.
  void recordPending(long version, SignedMembership membership) {
    var _ = write(pendingName(version), Json.pretty(Json.json(membership)) + "\n");
  }

  /// Records that an aggregator took the pending membership of `version`.
  Path confirm(long version) {
    Path target = path.resolve(name(version));
    try {
      Files.move(pendingFile(version), target, StandardCopyOption.ATOMIC_MOVE);
      force();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write " + target + ": " + e.getMessage(), e);
    }
    return target;
  }

  Optional<SignedMembership> recorded(long version) {
    return membership(path.resolve(name(version)));
  }

  Optional<SignedMembership> pending(long version) {
    return membership(pendingFile(version));
  }

  Path pendingFile(long version) {
    return path.resolve(pendingName(version));
  }

  private static String name(long version) {
    return "membership-%d.json".formatted(version);
  }

  private static String pendingName(long version) {
    return "membership-%d.pending.json".formatted(version);
  }

  private static Optional<SignedMembership> membership(Path file) {
    return Files.exists(file)
        ? Optional.of(Json.membership(file.toString(), Json.parse(file.toString(), read(file))))
        : Optional.empty();
  }

  static String read(Path file) {
    try {
      return Files.readString(file, UTF_8);
    } catch (NoSuchFileException e) {
      throw new IllegalArgumentException(file + " does not exist", e);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file + ": " + e.getMessage(), e);
    }
  }

  /// Whole or not at all, and on disk when this returns.
  private Path write(String name, String content) {
    Path target = path.resolve(name);
    Path draft = path.resolve("." + name + ".new");
    try {
      try (FileChannel channel =
          FileChannel.open(
              draft,
              StandardOpenOption.CREATE,
              StandardOpenOption.TRUNCATE_EXISTING,
              StandardOpenOption.WRITE)) {
        ByteBuffer buffer = ByteBuffer.wrap(content.getBytes(US_ASCII));
        while (buffer.hasRemaining()) {
          channel.write(buffer);
        }
        channel.force(true);
      }
      Files.move(draft, target, StandardCopyOption.ATOMIC_MOVE);
      force();
      return target;
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write " + target + ": " + e.getMessage(), e);
    }
  }

  private void force() throws IOException {
    try (FileChannel folder = FileChannel.open(path)) {
      folder.force(true);
    }
  }
}
