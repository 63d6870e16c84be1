package dev.comity.storage;

import java.io.Closeable;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/// The file system, on which the next append fails after some bytes.
public final class FailingDisk implements Disk {
  private final Disk files = new FileDisk();
  private int written = Integer.MIN_VALUE;

  /// `written`: how many bytes of the next append still reach the file.
  public void failNextAppendAfter(int written) {
    this.written = written;
  }

  @Override
  public void append(Path file, byte[] bytes) throws IOException {
    if (written == Integer.MIN_VALUE) {
      files.append(file, bytes);
      return;
    }
    int kept = Math.min(written, bytes.length);
    written = Integer.MIN_VALUE;
    files.append(file, Arrays.copyOf(bytes, kept));
    throw new IOException("no space left on device");
  }

  @Override
  public boolean exists(Path path) {
    return files.exists(path);
  }

  @Override
  public MemorySegment read(Path file) throws IOException {
    return files.read(file);
  }

  @Override
  public List<Path> list(Path folder) throws IOException {
    return files.list(folder);
  }

  @Override
  public void makeDirectory(Path folder) throws IOException {
    files.makeDirectory(folder);
  }

  @Override
  public void create(Path file, List<MemorySegment> parts) throws IOException {
    files.create(file, parts);
  }

  @Override
  public void sync(Path path) throws IOException {
    files.sync(path);
  }

  @Override
  public void rename(Path from, Path to) throws IOException {
    files.rename(from, to);
  }

  @Override
  public void delete(Path file) throws IOException {
    files.delete(file);
  }

  @Override
  public Closeable lock(Path file) throws IOException {
    return files.lock(file);
  }
}
