package dev.comity.session;

import dev.comity.codec.CborReader;
import dev.comity.codec.CborWriter;
import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import dev.comity.storage.Storage;
import dev.comity.update.MaskedUpdate;
import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/// A vault of durable files.
///
/// ```
/// agent.lock            held while open
/// counter  seen         own counter; counters of others
/// locks/TERMS           the session that holds the update
/// spent/TERMS           the session that released it
/// sessions/ID/ITEM      what was kept; sessions/ID/input is the masked vector, and
///                       sessions/ID/input-erased says that there was one
/// ```
final class FileSiteVault implements SiteVault {
  private static final String INPUT = "input";
  private static final String INPUT_ERASED = "input-erased";
  private static final int NONCE_BYTES = 12;
  private static final int TAG_BITS = 128;

  private final Storage storage;
  private final Path directory;
  private final Closeable lock;
  private final SecretKeySpec sealing;
  private final SecureRandom random;

  private FileSiteVault(
      Storage storage, Path directory, Closeable lock, SecretKeySpec sealing, SecureRandom random) {
    this.storage = storage;
    this.directory = directory;
    this.lock = lock;
    this.sealing = sealing;
    this.random = random;
  }

  static FileSiteVault open(Storage storage, Path directory, byte[] siteSecret, SecureRandom random)
      throws IOException {
    if (siteSecret.length != 32) {
      throw new IllegalArgumentException(
          "site secret of " + siteSecret.length + " bytes; must be 32");
    }
    storage.makeDirectory(directory);
    Closeable lock = lock(storage, directory.resolve("agent.lock"));
    for (String child : new String[] {"locks", "spent", "sessions"}) {
      storage.makeDirectory(directory.resolve(child));
    }
    byte[] key =
        Derivation.expand(
            siteSecret, new byte[0], Labels.VAULT.getBytes(StandardCharsets.UTF_8), 32);
    return new FileSiteVault(storage, directory, lock, new SecretKeySpec(key, "AES"), random);
  }

  private static Closeable lock(Storage storage, Path file) throws IOException {
    try {
      return storage.lock(file);
    } catch (IOException e) {
      throw new IOException(
          file + " is held by another agent of this site; stop it, one identity runs once", e);
    }
  }

  @Override
  public void keep(Digest session, Item item, byte[] content) {
    Optional<byte[]> before = kept(session, item);
    if (before.isPresent()) {
      if (!Arrays.equals(before.get(), content)) {
        throw new IllegalStateException(
            "session %s has another %s already".formatted(session.abbreviated(), item));
      }
      return;
    }
    if (item == Item.TOMBSTONE && hasInput(session)) {
      throw new IllegalStateException(
          "session %s has a masked input; it gets no tombstone".formatted(session.abbreviated()));
    }
    write(file(session, item), item == Item.SEED ? seal(session, content) : content);
  }

  @Override
  public Optional<byte[]> kept(Digest session, Item item) {
    Optional<byte[]> content = read(file(session, item));
    return item == Item.SEED ? content.map(sealed -> unseal(session, sealed)) : content;
  }

  @Override
  public void keepInput(Digest session, MaskedUpdate input) {
    if (kept(session, Item.TOMBSTONE).isPresent()) {
      throw new IllegalStateException(
          "session %s has a tombstone; it gets no masked input".formatted(session.abbreviated()));
    }
    if (hasInput(session)) {
      throw new IllegalStateException(
          "session %s has a masked input already".formatted(session.abbreviated()));
    }
    try {
      input.store(storage, sessionDirectory(session).resolve(INPUT));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot keep the masked input: " + e.getMessage(), e);
    }
  }

  @Override
  public boolean hasInput(Digest session) {
    return exists(sessionDirectory(session).resolve(INPUT))
        || exists(sessionDirectory(session).resolve(INPUT_ERASED));
  }

  @Override
  public Optional<MaskedUpdate> keptInput(Digest session) {
    Path input = sessionDirectory(session).resolve(INPUT);
    if (!exists(input)) {
      return Optional.empty();
    }
    try {
      return Optional.of(MaskedUpdate.load(storage, input));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read the masked input: " + e.getMessage(), e);
    }
  }

  @Override
  public void eraseSecrets(Digest session) {
    if (kept(session, Item.CERTIFICATE).isEmpty()) {
      throw new IllegalStateException(
          "session %s has no certificate yet; its secrets may still be asked for"
              .formatted(session.abbreviated()));
    }
    Path input = sessionDirectory(session).resolve(INPUT);
    try {
      if (storage.exists(input)) {
        storage.write(sessionDirectory(session).resolve(INPUT_ERASED), new byte[] {1});
      }
      storage.delete(input);
      storage.delete(file(session, Item.SEED));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot erase the secrets of a session: " + e.getMessage(), e);
    }
  }

  @Override
  public void lock(Digest terms, Digest session) {
    Path file = directory.resolve("locks").resolve(terms.hex());
    Optional<Digest> before = read(file).map(FileSiteVault::digest);
    if (before.filter(held -> !held.equals(session)).isPresent()) {
      throw new IllegalStateException(
          "the update of terms %s is locked to session %s"
              .formatted(terms.abbreviated(), before.get().abbreviated()));
    }
    write(file, session.hex().getBytes(StandardCharsets.US_ASCII));
  }

  @Override
  public void unlock(Digest terms, Digest session) {
    Path file = directory.resolve("locks").resolve(terms.hex());
    if (read(file).map(FileSiteVault::digest).filter(session::equals).isPresent()) {
      try {
        storage.delete(file);
      } catch (IOException e) {
        throw new UncheckedIOException("cannot drop a lock: " + e.getMessage(), e);
      }
    }
  }

  @Override
  public Map<Digest, Digest> locks() {
    Map<Digest, Digest> locks = new HashMap<>();
    try {
      for (Path file : storage.list(directory.resolve("locks"))) {
        read(file)
            .ifPresent(content ->
                locks.put(Digest.fromHex(file.getFileName().toString()), digest(content)));
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read the locks: " + e.getMessage(), e);
    }
    return locks;
  }

  @Override
  public void markSpent(Digest terms, Digest session) {
    write(
        directory.resolve("spent").resolve(terms.hex()),
        session.hex().getBytes(StandardCharsets.US_ASCII));
  }

  @Override
  public boolean isSpent(Digest terms) {
    return exists(directory.resolve("spent").resolve(terms.hex()));
  }

  @Override
  public long nextCounter() {
    Path file = directory.resolve("counter");
    long last =
        read(file)
            .map(content -> Long.parseLong(new String(content, StandardCharsets.US_ASCII)))
            .orElse(0L);
    long next = Math.addExact(last, 1);
    write(file, Long.toString(next).getBytes(StandardCharsets.US_ASCII));
    return next;
  }

  @Override
  public Map<SiteId, Long> lastSeenCounters() {
    Map<SiteId, Long> counters = new HashMap<>();
    read(directory.resolve("seen"))
        .ifPresent(content ->
            CborReader.read(
                content,
                "seen",
                in ->
                    in.maps(
                        "sites",
                        site -> {
                          SiteId id = new SiteId(site.text("site"));
                          counters.put(id, site.integer("counter"));
                          return id;
                        })));
    return counters;
  }

  @Override
  public void sawCounters(Map<SiteId, Long> counters) {
    Map<SiteId, Long> merged = lastSeenCounters();
    counters.forEach((site, counter) -> merged.merge(site, counter, Math::max));
    write(
        directory.resolve("seen"),
        CborWriter.map()
            .maps(
                "sites",
                merged.entrySet(),
                entry ->
                    CborWriter.map()
                        .text("site", entry.getKey().value())
                        .integer("counter", entry.getValue()))
            .toBytes());
  }

  @Override
  public void close() {
    try {
      lock.close();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot release the vault: " + e.getMessage(), e);
    }
  }

  private Path sessionDirectory(Digest session) {
    return directory.resolve("sessions").resolve(session.hex());
  }

  private Path file(Digest session, Item item) {
    return sessionDirectory(session).resolve(item.name().toLowerCase(Locale.ROOT));
  }

  private static Digest digest(byte[] hex) {
    return Digest.fromHex(new String(hex, StandardCharsets.US_ASCII));
  }

  private boolean exists(Path file) {
    try {
      return storage.exists(file);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot look for " + file + ": " + e.getMessage(), e);
    }
  }

  private Optional<byte[]> read(Path file) {
    try {
      return storage.read(file);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file + ": " + e.getMessage(), e);
    }
  }

  private void write(Path file, byte[] content) {
    try {
      storage.write(file, content);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot keep " + file + ": " + e.getMessage(), e);
    }
  }

  private byte[] seal(Digest session, byte[] content) {
    byte[] nonce = new byte[NONCE_BYTES];
    random.nextBytes(nonce);
    try {
      byte[] ciphertext = cipher(Cipher.ENCRYPT_MODE, nonce, session).doFinal(content);
      return ByteBuffer.allocate(NONCE_BYTES + ciphertext.length)
          .put(nonce)
          .put(ciphertext)
          .array();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("this Java runtime lacks AES-GCM", e);
    }
  }

  private byte[] unseal(Digest session, byte[] sealed) {
    try {
      return cipher(Cipher.DECRYPT_MODE, Arrays.copyOf(sealed, NONCE_BYTES), session)
          .doFinal(sealed, NONCE_BYTES, sealed.length - NONCE_BYTES);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(
          "the sealed seed of session %s does not open: another site secret or a changed file"
              .formatted(session.abbreviated()),
          e);
    }
  }

  private Cipher cipher(int mode, byte[] nonce, Digest session) throws GeneralSecurityException {
    Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
    cipher.init(mode, sealing, new GCMParameterSpec(TAG_BITS, nonce));
    cipher.updateAAD(session.bytes());
    return cipher;
  }
}
