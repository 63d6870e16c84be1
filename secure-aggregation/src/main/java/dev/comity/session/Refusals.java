package dev.comity.session;

import dev.comity.codec.MalformedException;
import java.util.function.Supplier;

/// Turns what the codec and the records refuse into the session's own refusals.
final class Refusals {
  private Refusals() {}

  static <T> T malformed(String what, Supplier<T> reading) {
    try {
      return reading.get();
    } catch (MalformedException | IllegalArgumentException e) {
      throw new SessionRefusal(
          SessionRefusal.Reason.MALFORMED, "malformed " + what + ": " + e.getMessage(), e);
    }
  }
}
