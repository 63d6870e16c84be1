package dev.comity.registry;

import dev.comity.plan.Digest;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Optional;
import java.util.UUID;

/// Files named by the SHA-256 of their content. A file appears whole or not at all, is on the disk
/// when `put` returns, and never changes; so whoever holds a digest may read at any offset, stop,
/// and go on later.
///
/// Any number of threads, of one process: opening a store clears what a killed process left half
/// written. Failures of the disk are `UncheckedIOException`.
public final class ArtifactStore {
  private static final int BUFFER = 1 << 20;

  private final Path content;
  private final Path incoming;

  private ArtifactStore(Path directory) {
    content = directory.resolve("sha256");
    incoming = directory.resolve("incoming");
  }

  /// Something that can write itself, such as `file::writeTo` or `inputStream::transferTo`.
  @FunctionalInterface
  public interface Content {
    /// Writes all bytes; leaves `out` open.
    void writeTo(OutputStream out) throws IOException;
  }

  /// The store in `directory`, which is made if it is missing.
  public static ArtifactStore at(Path directory) {
    var store = new ArtifactStore(directory);
    try {
      Files.createDirectories(store.content);
      Files.createDirectories(store.incoming);
      try (var leftovers = Files.newDirectoryStream(store.incoming)) {
        for (var leftover : leftovers) {
          Files.delete(leftover);
        }
      }
      sync(directory);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot open the artifact store " + directory, e);
    }
    return store;
  }

  /// Stores `bytes`.
  public Digest put(byte[] bytes) {
    return put(out -> out.write(bytes));
  }

  /// Stores what `source` writes, without holding it in memory.
  public Digest put(Content source) {
    return put(Optional.empty(), source);
  }

  /// Stores what `source` writes, if it is what `expected` names; otherwise keeps nothing and
  /// throws [DigestMismatchException].
  public void put(Digest expected, Content source) {
    put(Optional.of(expected), source);
  }

  private Digest put(Optional<Digest> expected, Content source) {
    var arriving = incoming.resolve(UUID.randomUUID().toString());
    try {
      try {
        var digest = write(arriving, source);
        if (expected.isPresent() && !expected.get().equals(digest)) {
          throw new DigestMismatchException(expected.get(), digest);
        }
        publish(arriving, digest);
        return digest;
      } finally {
        Files.deleteIfExists(arriving);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot store an artifact in " + content, e);
    }
  }

  private static Digest write(Path file, Content source) throws IOException {
    var sha256 = sha256();
    try (var channel =
            FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        var out =
            new BufferedOutputStream(
                new DigestOutputStream(Channels.newOutputStream(channel), sha256), BUFFER)) {
      source.writeTo(out);
      out.flush();
      channel.force(true);
    }
    return Digest.ofValue(sha256.digest());
  }

  private void publish(Path arrived, Digest digest) throws IOException {
    var folder = Files.createDirectories(folder(digest));
    sync(content);
    Files.move(arrived, path(digest), StandardCopyOption.ATOMIC_MOVE);
    sync(folder);
  }

  /// Whether the store holds `digest`.
  public boolean exists(Digest digest) {
    return Files.isRegularFile(path(digest));
  }

  /// The size in bytes, or [MissingArtifactException].
  public long size(Digest digest) {
    try {
      return Files.size(path(digest));
    } catch (IOException e) {
      throw unreadable(digest, e);
    }
  }

  /// The bytes from `offset` on, `0 ≤ offset ≤ size`. The reader checks the digest when it has them
  /// all.
  public InputStream open(Digest digest, long offset) {
    try {
      var channel = FileChannel.open(path(digest), StandardOpenOption.READ);
      try {
        if (offset < 0 || offset > channel.size()) {
          throw new IllegalArgumentException(
              "offset %d of artifact %s: must be between 0 and its size, %d"
                  .formatted(offset, digest.hex(), channel.size()));
        }
        return Channels.newInputStream(channel.position(offset));
      } catch (IOException | RuntimeException e) {
        channel.close();
        throw e;
      }
    } catch (IOException e) {
      throw unreadable(digest, e);
    }
  }

  /// The whole content, held against its digest, which finds a disk that changed it:
  /// [DigestMismatchException].
  public byte[] read(Digest digest) {
    byte[] bytes;
    try {
      bytes = Files.readAllBytes(path(digest));
    } catch (IOException e) {
      throw unreadable(digest, e);
    }
    var found = Digest.of(bytes);
    if (!found.equals(digest)) {
      throw new DigestMismatchException(digest, found);
    }
    return bytes;
  }

  /// The file itself, for mapping; only to be read.
  public Path file(Digest digest) {
    var file = path(digest);
    if (!Files.isRegularFile(file)) {
      throw new MissingArtifactException(digest);
    }
    return file;
  }

  private Path path(Digest digest) {
    return folder(digest).resolve(digest.hex().substring(2));
  }

  private Path folder(Digest digest) {
    return content.resolve(digest.hex().substring(0, 2));
  }

  private static RuntimeException unreadable(Digest digest, IOException cause) {
    return cause instanceof NoSuchFileException
        ? new MissingArtifactException(digest)
        : new UncheckedIOException("cannot read artifact " + digest.hex(), cause);
  }

  /// Makes the names in a directory durable.
  private static void sync(Path directory) throws IOException {
    try (var channel = FileChannel.open(directory, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(
          "this Java runtime lacks SHA-256, which every runtime must have", e);
    }
  }
}
