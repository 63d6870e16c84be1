package dev.comity.agent.audit;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/// The files of an export. Each is asked for by name; one that nobody asked for is refused in the
/// end. Confined to one thread.
final class ExportArchive implements AutoCloseable {
  private final ZipFile zip;
  private final Set<String> unread;

  private ExportArchive(ZipFile zip, Set<String> unread) {
    this.zip = zip;
    this.unread = unread;
  }

  static ExportArchive open(Path file) throws IOException {
    var zip = new ZipFile(file.toFile());
    Set<String> names = zip.stream().map(ZipEntry::getName).collect(Collectors.toSet());
    if (names.size() != zip.size()) {
      zip.close();
      throw new DoesNotHoldException(
          file.toString(), "%d files of %d names".formatted(zip.size(), names.size()));
    }
    return new ExportArchive(zip, new TreeSet<>(names));
  }

  boolean holds(String name) {
    return zip.getEntry(name) != null;
  }

  /// The whole content.
  ///
  /// @param mostBytes refuses a longer file
  byte[] read(String name, int mostBytes) {
    ZipEntry entry = zip.getEntry(name);
    if (entry == null) {
      throw new DoesNotHoldException(name, "is missing from the export");
    }
    unread.remove(name);
    try (var in = zip.getInputStream(entry)) {
      byte[] content = in.readNBytes(mostBytes);
      if (in.read() >= 0) {
        throw new DoesNotHoldException(name, "is longer than %d bytes".formatted(mostBytes));
      }
      return content;
    } catch (IOException e) {
      throw new DoesNotHoldException(name, "cannot be unpacked: " + e.getMessage(), e);
    }
  }

  /// Fails when a file was never read: it would prove nothing and might be taken for a proof.
  void end() {
    for (String name : unread) {
      throw new DoesNotHoldException(name, "belongs to no part of the lineage");
    }
  }

  @Override
  public void close() throws IOException {
    zip.close();
  }
}
