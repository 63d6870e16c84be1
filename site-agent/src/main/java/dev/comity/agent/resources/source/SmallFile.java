package dev.comity.agent.resources.source;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/// A text file that somebody else may write at any time.
final class SmallFile {
  private SmallFile() {}

  static String read(Path file, int mostBytes) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new IOException("%s: no such file".formatted(file));
    }
    if (Files.size(file) > mostBytes) {
      throw new IOException("%s: has more than %d bytes".formatted(file, mostBytes));
    }
    try {
      return Files.readString(file, StandardCharsets.UTF_8);
    } catch (CharacterCodingException e) {
      throw new IOException("%s: is no text in UTF-8".formatted(file), e);
    }
  }
}
