package dev.comity.agent.audit;

/// The first thing in an export that does not hold: the file, and what is wrong with it.
public final class DoesNotHoldException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final String file;

  DoesNotHoldException(String file, String what) {
    super(file + ": " + what);
    this.file = file;
  }

  DoesNotHoldException(String file, String what, Throwable cause) {
    super(file + ": " + what, cause);
    this.file = file;
  }

  /// The name of the file in the archive.
  public String file() {
    return file;
  }
}
