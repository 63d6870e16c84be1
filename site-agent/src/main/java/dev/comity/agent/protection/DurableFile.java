package dev.comity.agent.protection;

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
import java.util.Set;

/// A small file that its owner alone may read, written whole or not at all. What `write` wrote
/// outlives a power cut once it has returned.
public record DurableFile(Path path) {

  /// Replaces the content.
  public void write(byte[] content) {
    Path beside = path.resolveSibling(path.getFileName() + ".new");
    try {
      Files.createDirectories(folder());
      Files.deleteIfExists(beside);
      try (var file =
          FileChannel.open(
              beside,
              Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
              PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")))) {
        var bytes = ByteBuffer.wrap(content);
        while (bytes.hasRemaining()) {
          file.write(bytes);
        }
        file.force(true);
      }
      Files.move(beside, path, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      syncFolder();
    } catch (IOException e) {
      throw new UncheckedIOException(
          "cannot write %s: check that the disk has room and belongs to this user".formatted(path),
          e);
    }
  }

  /// The content, if the file exists.
  public Optional<byte[]> read() {
    try {
      return Optional.of(Files.readAllBytes(path));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + path, e);
    }
  }

  /// Removes the file, if it exists.
  public void erase() {
    try {
      if (Files.deleteIfExists(path)) {
        syncFolder();
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot delete " + path, e);
    }
  }

  private Path folder() {
    Path parent = path.toAbsolutePath().getParent();
    if (parent == null) {
      throw new IllegalArgumentException(path + " is no file");
    }
    return parent;
  }

  private void syncFolder() throws IOException {
    try (var folder = FileChannel.open(folder(), StandardOpenOption.READ)) {
      folder.force(true);
    }
  }
}
