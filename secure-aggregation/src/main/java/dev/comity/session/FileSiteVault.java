package dev.comity.session;

import dev.comity.codec.CborReader;
import dev.comity.codec.CborWriter;
import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import dev.comity.update.MaskedUpdate;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/// A vault of small files: written beside, fsynced, renamed, and the folder fsynced.
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
  private static final String OWNER_ONLY_DIRECTORY = "rwx------";
  private static final String OWNER_ONLY_FILE = "rw-------";
  private static final String INPUT = "input";
  private static final String INPUT_ERASED = "input-erased";
  private static final int NONCE_BYTES = 12;
  private static final int TAG_BITS = 128;

  private final Path directory;
  private final FileChannel lockFile;
  private final FileLock lock;
  private final SecretKeySpec sealing;
  private final SecureRandom random = new SecureRandom();

  private FileSiteVault(
      Path directory, FileChannel lockFile, FileLock lock, SecretKeySpec sealing) {
    this.directory = directory;
    this.lockFile = lockFile;
    this.lock = lock;
    this.sealing = sealing;
  }

  static FileSiteVault open(Path directory, byte[] siteSecret) throws IOException {
    if (siteSecret.length != 32) {
      throw new IllegalArgumentException(
          "site secret of " + siteSecret.length + " bytes; must be 32");
    }
    makeDirectory(directory);
    for (String child : new String[] {"locks", "spent", "sessions"}) {
      makeDirectory(directory.resolve(child));
    }
    sync(directory);
    Path lockPath = directory.resolve("agent.lock");
    FileChannel lockFile =
        FileChannel.open(lockPath, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    FileLock lock;
    try {
      lock = lockFile.tryLock();
    } catch (OverlappingFileLockException e) {
      lockFile.close();
      throw inUse(lockPath, e);
    }
    if (lock == null) {
      lockFile.close();
      throw inUse(lockPath, null);
    }
    byte[] key =
        Derivation.expand(
            siteSecret, new byte[0], Labels.VAULT.getBytes(StandardCharsets.UTF_8), 32);
    return new FileSiteVault(directory, lockFile, lock, new SecretKeySpec(key, "AES"));
  }

  private static IOException inUse(Path lockPath, @Nullable Exception e) {
    return new IOException(
        lockPath + " is held by another agent of this site; stop it, one identity runs once", e);
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
      makeDirectory(sessionDirectory(session));
      sync(directory.resolve("sessions"));
      input.store(sessionDirectory(session).resolve(INPUT));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot keep the masked input: " + e.getMessage(), e);
    }
  }

  @Override
  public boolean hasInput(Digest session) {
    return Files.exists(sessionDirectory(session).resolve(INPUT))
        || Files.exists(sessionDirectory(session).resolve(INPUT_ERASED));
  }

  @Override
  public Optional<MaskedUpdate> keptInput(Digest session) {
    Path input = sessionDirectory(session).resolve(INPUT);
    if (!Files.exists(input)) {
      return Optional.empty();
    }
    try {
      return Optional.of(MaskedUpdate.load(input));
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
      if (Files.exists(input)) {
        write(sessionDirectory(session).resolve(INPUT_ERASED), new byte[] {1});
      }
      Files.deleteIfExists(input);
      Files.deleteIfExists(file(session, Item.SEED));
      sync(sessionDirectory(session));
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
        Files.delete(file);
        sync(directory.resolve("locks"));
      } catch (IOException e) {
        throw new UncheckedIOException("cannot drop a lock: " + e.getMessage(), e);
      }
    }
  }

  @Override
  public Map<Digest, Digest> locks() {
    Map<Digest, Digest> locks = new HashMap<>();
    try (DirectoryStream<Path> files =
        Files.newDirectoryStream(directory.resolve("locks"), file -> !temporary(file))) {
      for (Path file : files) {
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
    return Files.exists(directory.resolve("spent").resolve(terms.hex()));
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
      lock.release();
      lockFile.close();
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

  private static Optional<byte[]> read(Path file) {
    try {
      return Files.exists(file) ? Optional.of(Files.readAllBytes(file)) : Optional.empty();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file + ": " + e.getMessage(), e);
    }
  }

  private static boolean temporary(Path file) {
    return file.getFileName().toString().endsWith(".tmp");
  }

  private void write(Path file, byte[] content) {
    Path parent = file.resolveSibling(".").normalize();
    Path temporary = file.resolveSibling(file.getFileName() + ".tmp");
    try {
      if (!Files.exists(parent)) {
        makeDirectory(parent);
        sync(directory.resolve("sessions"));
      }
      Files.deleteIfExists(temporary);
      try (FileChannel channel =
          FileChannel.open(
              temporary,
              Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
              PosixFilePermissions.asFileAttribute(
                  PosixFilePermissions.fromString(OWNER_ONLY_FILE)))) {
        ByteBuffer bytes = ByteBuffer.wrap(content);
        while (bytes.hasRemaining()) {
          channel.write(bytes);
        }
        channel.force(true);
      }
      Files.move(
          temporary, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      sync(parent);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot keep " + file + ": " + e.getMessage(), e);
    }
  }

  private static void makeDirectory(Path directory) throws IOException {
    Files.createDirectories(
        directory,
        PosixFilePermissions.asFileAttribute(
            PosixFilePermissions.fromString(OWNER_ONLY_DIRECTORY)));
  }

  private static void sync(Path directory) throws IOException {
    try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
      channel.force(true);
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
