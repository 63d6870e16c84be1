package dev.comity.federation;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;

/// The directory below which everything durable of the aggregator lies, apart from its database.
///
/// @param root made when it is not there, for its owner's eyes only
public record DataDirectory(Path root) {
  public DataDirectory {
    root = root.toAbsolutePath().normalize();
  }

  /// Private keys and certificates.
  public Path keys() {
    return made("keys");
  }

  /// Content-addressed weights, optimizer states, sums and transcripts.
  public Path artifacts() {
    return made("artifacts");
  }

  /// Masked vectors on their way in.
  public Path spool() {
    return made("spool");
  }

  /// The embedded database, when there is one.
  public Path postgres() {
    return made("postgres");
  }

  /// The first password of the account `admin`.
  public Path initialPassword() {
    return made(".").normalize().resolve("initial-password");
  }

  private Path made(String name) {
    try {
      return Files.createDirectories(
          root.resolve(name),
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot make " + root.resolve(name), e);
    }
  }
}
