package dev.comity.codec;

/// Bytes that are not the document they are said to be. The message names the field's path, what
/// was found and what is allowed; it never holds content beyond a field's name, type or length.
public final class MalformedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public MalformedException(String message) {
    super(message);
  }

  public MalformedException(String message, Throwable cause) {
    super(message, cause);
  }
}
