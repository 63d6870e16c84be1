package dev.comity.round.postgres;

import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import dev.comity.update.MaskedUpdate;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Masked vectors on their way in: one growing file per session and site, which becomes a file of a
/// content address when it is whole, checked against the root that its site signed, and fsynced.
/// One writer per session and site.
final class Spool {

  private static final Logger LOG = LoggerFactory.getLogger(Spool.class);

  private final Path directory;

  Spool(Path directory) {
    this.directory = directory;
  }

  /// How many bytes of the site's vector lie here.
  long received(Digest session, SiteId site) throws IOException {
    try {
      return Files.size(partial(session, site));
    } catch (NoSuchFileException _) {
      return 0;
    }
  }

  /// Appends at `offset`, which must be [#received].
  long append(Digest session, SiteId site, long offset, List<ByteBuffer> bytes) throws IOException {
    Files.createDirectories(folder(session));
    try (var file =
        FileChannel.open(
            partial(session, site), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      var at = offset;
      for (var buffer : bytes) {
        while (buffer.hasRemaining()) {
          at += file.write(buffer, at);
        }
      }
      return at;
    }
  }

  /// Makes the complete vector durable under `root`. False, and the bytes are dropped, when they
  /// are not what the site signed.
  boolean seal(Digest session, SiteId site, Digest root) throws IOException {
    var partial = partial(session, site);
    var sealed = sealed(session, root);
    if (Files.exists(partial)) {
      if (!MaskedUpdate.chunkRootOf(partial).equals(root)) {
        Files.delete(partial);
        return false;
      }
      try (var file = FileChannel.open(partial, StandardOpenOption.WRITE)) {
        file.force(true);
      }
      Files.move(partial, sealed, StandardCopyOption.ATOMIC_MOVE);
      try (var folder = FileChannel.open(folder(session), StandardOpenOption.READ)) {
        folder.force(true);
      }
      return true;
    }
    return Files.exists(sealed);
  }

  /// The sealed vector of this root.
  Path sealed(Digest session, Digest root) {
    return folder(session).resolve(root.hex());
  }

  boolean holds(Digest session, Digest root) {
    return Files.exists(sealed(session, root));
  }

  /// The sessions of which something lies here.
  List<Digest> sessions() throws IOException {
    if (!Files.isDirectory(directory)) {
      return List.of();
    }
    try (var folders = Files.list(directory)) {
      return folders
          .map(folder -> String.valueOf(folder.getFileName()))
          .filter(name -> name.matches("[0-9a-f]{64}"))
          .map(Digest::fromHex)
          .toList();
    }
  }

  /// Drops everything of a session that is over. What cannot be dropped now is swept at the next
  /// start.
  void drop(Digest session) {
    try {
      clear(session);
    } catch (IOException failed) {
      LOG.atWarn()
          .setCause(failed)
          .addKeyValue("session", session.abbreviated())
          .log("spooled vectors of an ended session could not be dropped");
    }
  }

  private void clear(Digest session) throws IOException {
    var folder = folder(session);
    if (!Files.isDirectory(folder)) {
      return;
    }
    try (var files = Files.list(folder)) {
      for (var file : files.toList()) {
        Files.deleteIfExists(file);
      }
    }
    Files.deleteIfExists(folder);
  }

  private Path folder(Digest session) {
    return directory.resolve(session.hex());
  }

  private Path partial(Digest session, SiteId site) {
    return folder(session).resolve(site.value() + ".part");
  }
}
