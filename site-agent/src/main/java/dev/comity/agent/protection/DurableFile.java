package dev.comity.agent.protection;

import dev.comity.storage.Storage;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Optional;

/// A small file that its owner alone may read, written whole or not at all. What `write` wrote
/// outlives a power cut once it has returned.
public record DurableFile(Path path) {

  /// Replaces the content.
  public void write(byte[] content) {
    try {
      Storage.ofFiles().write(path, content);
    } catch (IOException e) {
      throw new UncheckedIOException(
          "cannot write %s: check that the disk has room and belongs to this user".formatted(path),
          e);
    }
  }

  /// The content, if the file exists.
  public Optional<byte[]> read() {
    try {
      return Storage.ofFiles().read(path);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + path, e);
    }
  }

  /// Removes the file, if it exists.
  public void erase() {
    try {
      Storage.ofFiles().delete(path);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot delete " + path, e);
    }
  }
}
