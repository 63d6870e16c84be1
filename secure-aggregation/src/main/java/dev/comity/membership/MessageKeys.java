package dev.comity.membership;

import dev.comity.plan.Digest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/// The message keys of one holder, a site or the aggregator, in a folder that its owner alone may
/// read: the present one, the one that is prepared to follow it, and former ones that an open
/// session still needs.
///
/// | file | holds |
/// |---|---|
/// | `message.key` | the present key |
/// | `message.next.key` | the prepared one, until a membership lists it |
/// | `message.former-….key` | a replaced one, by its fingerprint, until it is erased |
///
/// ### Security guarantees
///
/// Private halves never leave the folder. A power cut at any moment leaves a present key, and loses
/// none that was not erased.
///
/// Safe for use by many threads. Another process may prepare a key meanwhile; no other one may
/// follow or erase.
public final class MessageKeys {
  private static final String PRESENT = "message.key";
  private static final String NEXT = "message.next.key";
  private static final String FORMER = "message.former-";
  private static final String KEY = ".key";
  private static final String DRAFT = ".new";

  private final Path folder;
  private final Map<Digest, MessageKey> former = new LinkedHashMap<>();
  private MessageKey present;

  private MessageKeys(Path folder) {
    this.folder = folder;
    this.present = MessageKey.read(folder.resolve(PRESENT));
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.sorted().toList()) {
        String name = String.valueOf(file.getFileName());
        if (name.startsWith(FORMER) && name.endsWith(KEY)) {
          MessageKey key = MessageKey.read(file);
          former.put(key.publicKey().fingerprint(), key);
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read the keys in " + folder, e);
    }
    former.remove(present.publicKey().fingerprint()); // it was about to be followed
  }

  /// The keys in `folder`, which exists. Makes the first one when there is none.
  public static MessageKeys create(Path folder) {
    if (!Files.exists(folder.resolve(PRESENT))) {
      write(MessageKey.generate(), folder.resolve(PRESENT));
    }
    return open(folder);
  }

  /// The keys in `folder`; IllegalArgumentException when it holds no present one.
  public static MessageKeys open(Path folder) {
    return new MessageKeys(folder);
  }

  public synchronized MessageKey present() {
    return present;
  }

  /// The prepared key, if there is one.
  public synchronized Optional<MessageKey> next() {
    Path file = folder.resolve(NEXT);
    return Files.exists(file) ? Optional.of(MessageKey.read(file)) : Optional.empty();
  }

  /// The prepared key, made unless there is one: asked again, it is the same.
  public synchronized MessageKey prepare() {
    Optional<MessageKey> prepared = next();
    if (prepared.isPresent()) {
      return prepared.get();
    }
    MessageKey fresh = MessageKey.generate();
    write(fresh, folder.resolve(NEXT));
    return fresh;
  }

  /// Present, prepared or former: whichever has this fingerprint.
  public synchronized Optional<MessageKey> find(Digest fingerprint) {
    if (present.publicKey().fingerprint().equals(fingerprint)) {
      return Optional.of(present);
    }
    return Optional.ofNullable(former.get(fingerprint))
        .or(() -> next().filter(key -> key.publicKey().fingerprint().equals(fingerprint)));
  }

  /// Makes the prepared key the present one if it is `listed`; the one before becomes a former one.
  /// False, and without effect, when `listed` is neither the present nor the prepared key.
  public synchronized boolean follow(MessagePublicKey listed) {
    if (present.publicKey().equals(listed)) {
      return true;
    }
    Optional<MessageKey> next = next().filter(key -> key.publicKey().equals(listed));
    if (next.isEmpty()) {
      return false;
    }
    Digest before = present.publicKey().fingerprint();
    if (!Files.exists(formerFile(before))) {
      write(present, formerFile(before));
    }
    move(folder.resolve(NEXT), folder.resolve(PRESENT));
    former.put(before, present);
    present = next.get();
    return true;
  }

  /// Fingerprints of the former keys that were not erased yet.
  public synchronized Set<Digest> former() {
    return Set.copyOf(former.keySet());
  }

  /// Erases a former key for good. Again, or of another key: no effect.
  public synchronized void erase(Digest fingerprint) {
    if (former.remove(fingerprint) != null) {
      try {
        Files.deleteIfExists(formerFile(fingerprint));
        settle(folder);
      } catch (IOException e) {
        throw new UncheckedIOException("cannot erase " + formerFile(fingerprint), e);
      }
    }
  }

  @Override
  public synchronized String toString() {
    return "MessageKeys[present " + present.publicKey() + ", private halves redacted]";
  }

  private Path formerFile(Digest fingerprint) {
    return folder.resolve(FORMER + fingerprint.hex() + KEY);
  }

  /// Whole or not at all: a draft that a power cut left is written anew.
  private static void write(MessageKey key, Path file) {
    Path draft = file.resolveSibling(file.getFileName() + DRAFT);
    try {
      Files.deleteIfExists(draft);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot remove the draft " + draft, e);
    }
    key.write(draft);
    move(draft, file);
  }

  private static void move(Path from, Path to) {
    try {
      Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
      settle(to.resolveSibling("."));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot move the key file %s to %s".formatted(from, to), e);
    }
  }

  private static void settle(Path folder) throws IOException {
    try (FileChannel directory = FileChannel.open(folder)) {
      directory.force(true);
    }
  }
}
