package dev.comity.codec;

/// Bytes that are not the document they are said to be. The message names the field's path, what
/// was found and what is allowed; it never holds content beyond a field's name, type or length.
public final class MalformedException extends RuntimeException {
  private static final long serialVersionUID = 1L;
  private static final int MAX_LENGTH = 500;

  public MalformedException(String message) {
    super(oneLine(message));
  }

  public MalformedException(String message, Throwable cause) {
    super(oneLine(message), cause);
  }

  private static String oneLine(String message) {
    String shown =
        message.length() > MAX_LENGTH ? message.substring(0, MAX_LENGTH - 1) + "…" : message;
    return shown.replaceAll("\\p{Cntrl}", "?");
  }
}
