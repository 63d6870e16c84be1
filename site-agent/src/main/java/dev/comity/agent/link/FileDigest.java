package dev.comity.agent.link;

import dev.comity.plan.Digest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/// The digest of a file's content, read in pieces.
final class FileDigest {
  private static final int PIECE_BYTES = 1 << 16;

  private FileDigest() {}

  static Digest of(Path file) throws IOException {
    try (var in = Files.newInputStream(file)) {
      var sha256 = MessageDigest.getInstance("SHA-256");
      byte[] piece = new byte[PIECE_BYTES];
      for (int read = in.read(piece); read >= 0; read = in.read(piece)) {
        sha256.update(piece, 0, read);
      }
      return Digest.ofValue(sha256.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new UncheckedIOException(new IOException("this Java has no SHA-256", e));
    }
  }
}
