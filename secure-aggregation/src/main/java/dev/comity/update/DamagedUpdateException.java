package dev.comity.update;

import java.io.IOException;
import java.nio.file.Path;

/// A stored update is torn, was changed, or is another kind of file. It must not be used: a site
/// whose state was lost enrols anew.
public final class DamagedUpdateException extends IOException {
  private static final long serialVersionUID = 1L;

  DamagedUpdateException(Path file, String fault) {
    super("stored update %s %s".formatted(file, fault));
  }

  DamagedUpdateException(Path file, String fault, Throwable cause) {
    super("stored update %s %s".formatted(file, fault), cause);
  }
}
