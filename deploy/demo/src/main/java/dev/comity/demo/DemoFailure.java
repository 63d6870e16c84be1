package dev.comity.demo;

import java.nio.file.Path;
import java.util.Optional;

/// Why the demo cannot go on, in words for its user; with the log of the process at fault, if one
/// is.
final class DemoFailure extends RuntimeException {
  private static final long serialVersionUID = 1;

  private final transient Optional<Path> log;

  DemoFailure(String message) {
    this(message, Optional.empty());
  }

  DemoFailure(String message, Throwable cause) {
    super(message, cause);
    this.log = Optional.empty();
  }

  DemoFailure(String message, Optional<Path> log) {
    super(message);
    this.log = log;
  }

  Optional<Path> log() {
    return log;
  }
}
