package dev.comity.storage;

import java.io.Closeable;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/// Durable files, readable by their owner alone.
///
/// ### Guarantees
///
/// A power cut at any moment leaves of every `write` all or nothing, of every `append` the bytes
/// before it and perhaps a part of its own. What a method did is on stable storage when it returns,
/// and so is everything that `exists`, `read` and `list` show, be it there or gone: what an earlier
/// process did and did not live to make durable is made so before it is shown.
///
/// One process writes to a folder at a time. Safe for use by many threads as long as each file is
/// used by one.
public final class Storage {
  /// What the name of a file ends in that is not whole yet.
  private static final String DRAFT = ".tmp";

  private static final Storage FILES = new Storage(new FileDisk());

  private final Disk disk;

  /// Files and folders whose content or names this process found or made durable.
  private final Set<Path> settled = ConcurrentHashMap.newKeySet();

  public Storage(Disk disk) {
    this.disk = disk;
  }

  /// The file system of this machine.
  public static Storage ofFiles() {
    return FILES;
  }

  /// Makes `folder`, and those above it, unless they exist.
  public void makeDirectory(Path folder) throws IOException {
    Path absolute = folder.toAbsolutePath().normalize();
    if (!disk.exists(absolute)) {
      Path above = absolute.getParent();
      if (above == null) {
        throw new IOException("cannot make the folder " + folder + ": it has no parent");
      }
      makeDirectory(above);
      settled.remove(absolute);
      disk.makeDirectory(absolute);
    }
    settleFolder(absolute);
  }

  public boolean exists(Path file) throws IOException {
    Path absolute = file.toAbsolutePath().normalize();
    boolean exists = disk.exists(absolute);
    settleFolderIfAny(folderOf(absolute));
    return exists;
  }

  /// The content of a small file; empty when there is none.
  public Optional<byte[]> read(Path file) throws IOException {
    try {
      return Optional.of(load(file).toArray(ValueLayout.JAVA_BYTE));
    } catch (NoSuchFileException _) {
      return Optional.empty();
    }
  }

  /// The content of a file of any size, read-only and perhaps mapped.
  ///
  /// @throws NoSuchFileException when there is none
  public MemorySegment load(Path file) throws IOException {
    Path absolute = file.toAbsolutePath().normalize();
    settleFolderIfAny(folderOf(absolute));
    MemorySegment content = disk.read(absolute);
    if (!settled.contains(absolute)) {
      disk.sync(absolute);
      settled.add(absolute);
    }
    return content;
  }

  /// Replaces the content of `file`, making its folder when absent.
  public void write(Path file, byte[] content) throws IOException {
    write(file, List.of(MemorySegment.ofArray(content)));
  }

  /// As `write` of the parts one after the other.
  public void write(Path file, List<MemorySegment> parts) throws IOException {
    Path absolute = file.toAbsolutePath().normalize();
    Path folder = folderOf(absolute);
    makeDirectory(folder);
    Path draft = absolute.resolveSibling(absolute.getFileName() + DRAFT);
    disk.delete(draft); // one that a kill left
    try {
      disk.create(draft, parts);
      disk.sync(draft);
      settled.remove(folder);
      settled.add(absolute);
      disk.rename(draft, absolute);
    } catch (IOException e) {
      disk.delete(draft);
      throw e;
    }
    settleFolder(folder);
  }

  /// Adds `bytes` at the end of `file`, which is made when absent. A power cut may leave a part of
  /// them: what reads the file must recognise a torn end.
  public void append(Path file, byte[] bytes) throws IOException {
    Path absolute = file.toAbsolutePath().normalize();
    Path folder = folderOf(absolute);
    makeDirectory(folder);
    if (!disk.exists(absolute)) {
      settled.remove(folder);
      disk.create(absolute, List.of());
    }
    settled.remove(absolute);
    disk.append(absolute, bytes);
    disk.sync(absolute);
    settled.add(absolute);
    settleFolder(folder);
  }

  /// Removes `file`, if it exists.
  public void delete(Path file) throws IOException {
    Path absolute = file.toAbsolutePath().normalize();
    Path folder = folderOf(absolute);
    if (disk.exists(absolute)) {
      settled.remove(folder);
      settled.remove(absolute);
      disk.delete(absolute);
    }
    settleFolderIfAny(folder);
  }

  /// The entries of `folder`, sorted, without drafts; none when it does not exist.
  public List<Path> list(Path folder) throws IOException {
    Path absolute = folder.toAbsolutePath().normalize();
    if (!disk.exists(absolute)) {
      return List.of();
    }
    settleFolder(absolute);
    return disk.list(absolute).stream()
        .filter(entry -> !String.valueOf(entry.getFileName()).endsWith(DRAFT))
        .sorted()
        .toList();
  }

  /// Holds `file`, which is made when absent, against every other process until closed.
  ///
  /// @throws IOException when another holds it
  public Closeable lock(Path file) throws IOException {
    return disk.lock(file.toAbsolutePath().normalize());
  }

  private static Path folderOf(Path file) throws IOException {
    Path folder = file.getParent();
    if (folder == null) {
      throw new IOException(file + " is no file: name one in a folder");
    }
    return folder;
  }

  private void settleFolderIfAny(Path folder) throws IOException {
    if (disk.exists(folder)) {
      settleFolder(folder);
    }
  }

  /// The names in `folder` and its own name in the folder above.
  private void settleFolder(Path folder) throws IOException {
    if (settled.contains(folder)) {
      return;
    }
    disk.sync(folder);
    Path above = folder.getParent();
    if (above != null) {
      try {
        disk.sync(above);
      } catch (AccessDeniedException _) {
        // A folder that this user cannot even read: it did not make the name in there.
      }
    }
    settled.add(folder);
  }
}
