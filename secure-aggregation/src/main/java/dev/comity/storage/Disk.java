package dev.comity.storage;

import java.io.Closeable;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;

/// What [Storage] asks of a disk: the single steps, none of them durable but [#sync]. The real one
/// is the file system; a simulated one may lose power between any two of them.
///
/// Paths are absolute. Safe for use by many threads.
public interface Disk {
  boolean exists(Path path);

  /// The bytes of a file, never to be changed.
  ///
  /// @throws java.nio.file.NoSuchFileException when there is none
  MemorySegment read(Path file) throws IOException;

  /// The entries of a folder, in any order.
  List<Path> list(Path folder) throws IOException;

  /// Makes a folder that its owner alone may enter, inside one that exists.
  void makeDirectory(Path folder) throws IOException;

  /// Makes a file that its owner alone may read and write, holding the parts one after the other.
  ///
  /// @throws java.nio.file.FileAlreadyExistsException when there is one
  void create(Path file, List<MemorySegment> parts) throws IOException;

  /// Adds bytes at the end of a file that exists.
  void append(Path file, byte[] bytes) throws IOException;

  /// Puts the content of a file, or the names in a folder, on stable storage.
  void sync(Path path) throws IOException;

  /// Renames within a folder, replacing what had the name, at once or not at all.
  void rename(Path from, Path to) throws IOException;

  /// Removes a file, if it exists.
  void delete(Path file) throws IOException;

  /// Holds `file`, which is made when absent, against every other process until closed.
  ///
  /// @throws IOException when another holds it
  Closeable lock(Path file) throws IOException;
}
