package dev.comity.agent.resources.source;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.Base64;
import java.util.List;

/// What a source wants to be told before it answers. `toString` tells nothing of it.
public final class Credentials {
  private final List<String> lines;
  private final boolean bearer;

  private Credentials(List<String> lines, boolean bearer) {
    this.lines = lines;
    this.bearer = bearer;
  }

  /// User name and password, the two lines of a file.
  ///
  /// @throws IllegalArgumentException when the file cannot be used or others may read it
  public static Credentials password(Path file) {
    return new Credentials(lines(file, 2), false);
  }

  /// A bearer token, the one line of a file.
  ///
  /// @throws IllegalArgumentException when the file cannot be used or others may read it
  public static Credentials bearer(Path file) {
    return new Credentials(lines(file, 1), true);
  }

  private static List<String> lines(Path file, int count) {
    try {
      if (Files.getPosixFilePermissions(file).contains(PosixFilePermission.OTHERS_READ)) {
        throw new IllegalArgumentException(
            "%s: everybody on this machine may read it; chmod 600 it".formatted(file));
      }
      var lines =
          Files.readAllLines(file, StandardCharsets.UTF_8).stream()
              .map(String::strip)
              .filter(line -> !line.isEmpty())
              .toList();
      if (lines.size() != count) {
        throw new IllegalArgumentException(
            "%s: has %d lines, must have %d: %s"
                .formatted(
                    file,
                    lines.size(),
                    count,
                    count == 1 ? "the token" : "user name and password"));
      }
      return lines;
    } catch (IOException e) {
      throw new IllegalArgumentException("%s: cannot be read".formatted(file), e);
    }
  }

  String user() {
    return lines.getFirst();
  }

  String secret() {
    return lines.getLast();
  }

  /// The value of an `Authorization` header; RFC 6750 and RFC 7617.
  String header() {
    return bearer
        ? "Bearer " + secret()
        : "Basic "
            + Base64.getEncoder()
                .encodeToString((user() + ":" + secret()).getBytes(StandardCharsets.UTF_8));
  }

  @Override
  public String toString() {
    return "Credentials[redacted]";
  }
}
