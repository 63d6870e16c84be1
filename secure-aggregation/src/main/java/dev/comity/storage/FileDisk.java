package dev.comity.storage;

import java.io.Closeable;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// The file system of this machine.
final class FileDisk implements Disk {
  private static final FileAttribute<Set<PosixFilePermission>> OWNERS_FOLDER =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));
  private static final FileAttribute<Set<PosixFilePermission>> OWNERS_FILE =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));
  private static final int STEP = 1 << 20;
  private static final int WORTH_MAPPING = 1 << 18;

  @Override
  public boolean exists(Path path) {
    return Files.exists(path);
  }

  @Override
  public MemorySegment read(Path file) throws IOException {
    if (Files.size(file) < WORTH_MAPPING) {
      return MemorySegment.ofArray(Files.readAllBytes(file)).asReadOnly();
    }
    try (var channel = FileChannel.open(file)) {
      // A file is replaced, never cut, so that what is mapped stays.
      return channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), Arena.ofAuto());
    }
  }

  @Override
  public List<Path> list(Path folder) throws IOException {
    try (Stream<Path> entries = Files.list(folder)) {
      return entries.toList();
    }
  }

  @Override
  public void makeDirectory(Path folder) throws IOException {
    Files.createDirectory(folder, OWNERS_FOLDER);
  }

  @Override
  public void create(Path file, List<MemorySegment> parts) throws IOException {
    try (var channel =
        FileChannel.open(
            file, Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE), OWNERS_FILE)) {
      for (MemorySegment part : parts) {
        for (long at = 0; at < part.byteSize(); at += STEP) {
          writeFully(
              channel, part.asSlice(at, Math.min(STEP, part.byteSize() - at)).asByteBuffer());
        }
      }
    }
  }

  @Override
  public void append(Path file, byte[] bytes) throws IOException {
    try (var channel = FileChannel.open(file, StandardOpenOption.APPEND)) {
      writeFully(channel, ByteBuffer.wrap(bytes));
    }
  }

  private static void writeFully(FileChannel channel, ByteBuffer source) throws IOException {
    while (source.hasRemaining()) {
      channel.write(source);
    }
  }

  @Override
  public void sync(Path path) throws IOException {
    try (var channel = FileChannel.open(path, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  @Override
  public void rename(Path from, Path to) throws IOException {
    Files.move(from, to, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  @Override
  public void delete(Path file) throws IOException {
    if (Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
      Files.delete(file);
    }
  }

  @Override
  public Closeable lock(Path file) throws IOException {
    FileChannel channel =
        FileChannel.open(
            file, Set.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE), OWNERS_FILE);
    try {
      FileLock lock = channel.tryLock();
      if (lock == null) {
        channel.close();
        throw held(file, null);
      }
      return channel; // closing it releases the lock
    } catch (OverlappingFileLockException e) {
      channel.close();
      throw held(file, e);
    }
  }

  private static IOException held(Path file, @Nullable Exception e) {
    return new IOException(file + " is held by another process; stop that one first", e);
  }
}
