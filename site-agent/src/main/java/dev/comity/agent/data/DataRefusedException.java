package dev.comity.agent.data;

/// The site's data or its mapping cannot serve. The message names the file and the key, or the
/// file, line and column, with what is allowed there; it never holds a value from the data, so it
/// may be logged.
public final class DataRefusedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public DataRefusedException(String message) {
    super(message);
  }

  public DataRefusedException(String message, Throwable cause) {
    super(message, cause);
  }
}
