package dev.comity.formats;

/// A safetensors file that breaks the format, or that does not hold what its reader was promised.
/// The message names the tensor, the numbers found and the numbers allowed; never a value of a
/// tensor.
public final class MalformedSafetensorsException extends RuntimeException {
  private static final long serialVersionUID = 1L;
  private static final int LONGEST_QUOTE = 100;

  public MalformedSafetensorsException(String message) {
    super(message);
  }

  MalformedSafetensorsException(String message, Throwable cause) {
    super(message, cause);
  }

  /// `text` in quotation marks, fit for a message: shortened, and without control characters, since
  /// it comes from a file that nobody vouches for.
  static String quote(String text) {
    var quoted = new StringBuilder("\"");
    text.codePoints()
        .limit(LONGEST_QUOTE)
        .forEach(point -> {
          if (Character.isISOControl(point) || !Character.isDefined(point)) {
            quoted.append('?');
          } else {
            quoted.appendCodePoint(point);
          }
        });
    if (text.codePointCount(0, text.length()) > LONGEST_QUOTE) {
      quoted.append('…');
    }
    return quoted.append('"').toString();
  }
}
