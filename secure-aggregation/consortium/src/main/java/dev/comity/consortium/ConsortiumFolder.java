package dev.comity.consortium;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import dev.comity.membership.MembershipEpoch;
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
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;

/// The consortium's folder: `consortium.key` (0600), `consortium.pub` (64 hexadecimal digits), then
/// `federation.json` (whom this key speaks for, remembered at the first invitation),
/// `membership-VERSION.json` (each membership that an aggregator took) and
/// `membership-VERSION.pending.json` (one that is signed and of which no answer came yet). Once the
/// key was handed over there are `consortium.first.pub`, which the memberships are verified from,
/// and `consortium-until-VERSION.key`, the key that signed up to that version;
/// `consortium.next.key` is one that was made and not handed to yet.
record ConsortiumFolder(Path path) {
  private static final Pattern ANY =
      Pattern.compile("membership-(\\d{1,18})(?:\\.pending)?\\.json");
  private static final Pattern TAKEN = Pattern.compile("membership-(\\d{1,18})\\.json");

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

  /// The key that signs now.
  MessageKey key() {
    finishHandOver();
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

  /// The consortium's first key, from which every membership can be verified.
  MessagePublicKey root() {
    Path file = path.resolve("consortium.first.pub");
    return Files.exists(file) ? MessagePublicKey.fromHex(read(file).strip()) : publicKey();
  }

  /// The key to hand over to: made once, and kept until a signed membership names it.
  MessageKey nextKey() {
    Path file = nextKeyFile();
    if (!Files.exists(file)) {
      MessageKey.generate().write(file);
    }
    return MessageKey.read(file);
  }

  /// The former key that signed membership `version` last.
  Optional<MessageKey> keyUntil(long version) {
    Path file = path.resolve("consortium-until-%d.key".formatted(version));
    return Files.exists(file) ? Optional.of(MessageKey.read(file)) : Optional.empty();
  }

  private Path nextKeyFile() {
    return path.resolve("consortium.next.key");
  }

  /// Puts the next key in the place of the present one, once a membership that names it was signed.
  /// Goes on where a crash left it.
  private void finishHandOver() {
    if (!Files.exists(nextKeyFile())) {
      return;
    }
    MessagePublicKey next = MessageKey.read(nextKeyFile()).publicKey();
    Optional<MembershipEpoch.HandOver> handOver =
        newest().map(this::epoch).stream()
            .flatMap(epoch -> epoch.handOvers().stream())
            .filter(done -> done.succession().to().equals(next))
            .findFirst();
    if (handOver.isEmpty()) {
      return;
    }
    if (!Files.exists(path.resolve("consortium.first.pub"))) {
      write("consortium.first.pub", publicKey().hex() + "\n");
    }
    Path present = path.resolve("consortium.key");
    if (Files.exists(present)) {
      move(present, path.resolve("consortium-until-%d.key".formatted(handOver.get().version())));
    }
    write("consortium.pub", next.hex() + "\n");
    move(nextKeyFile(), present);
  }

  private void move(Path from, Path to) {
    try {
      Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
      force();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write " + to + ": " + e.getMessage(), e);
    }
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
    move(pendingFile(version), target);
    return target;
  }

  /// What a membership of this consortium says.
  MembershipEpoch epoch(SignedMembership signed) {
    return signed.verify(root());
  }

  /// The newest membership that was ever signed from this folder.
  Optional<SignedMembership> newest() {
    return versions(ANY).max(Comparator.naturalOrder()).flatMap(this::version);
  }

  /// The membership of `version`, taken by an aggregator or not.
  Optional<SignedMembership> version(long version) {
    return recorded(version).or(() -> pending(version));
  }

  /// The newest version that an aggregator took from this folder; 0 before the first.
  long newestTaken() {
    return versions(TAKEN).max(Comparator.naturalOrder()).orElse(0L);
  }

  /// The pending memberships above `version`, in order.
  List<SignedMembership> pendingAfter(long version) {
    return versions(ANY)
        .filter(known -> known > version)
        .sorted()
        .map(this::pending)
        .flatMap(Optional::stream)
        .toList();
  }

  private Stream<Long> versions(Pattern names) {
    try (Stream<Path> files = Files.list(path)) {
      return files
          .map(file -> names.matcher(String.valueOf(file.getFileName())))
          .filter(Matcher::matches)
          .map(matcher -> Long.valueOf(matcher.group(1)))
          .distinct()
          .toList()
          .stream();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot list " + path + ": " + e.getMessage(), e);
    }
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

  private Path write(String name, String content) {
    return write(path.resolve(name), content);
  }

  /// Whole or not at all, and on disk when this returns.
  static Path write(Path file, String content) {
    Path target = file.toAbsolutePath();
    Path draft = target.resolveSibling("." + target.getFileName() + ".new");
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
      force(target.resolveSibling("."));
      return target;
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write " + target + ": " + e.getMessage(), e);
    }
  }

  private void force() throws IOException {
    force(path);
  }

  private static void force(Path directory) throws IOException {
    try (FileChannel folder = FileChannel.open(directory)) {
      folder.force(true);
    }
  }
}
