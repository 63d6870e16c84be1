package dev.comity.consortium;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.Reader;
import java.io.UncheckedIOException;

/// A person's word before something is signed.
final class Confirmation {
  private final BufferedReader in;

  Confirmation(Reader in) {
    this.in = new BufferedReader(in);
  }

  /// Asks; only the word yes means yes.
  boolean given(PrintWriter err) {
    err.print("Sign this? Type yes: ");
    err.flush();
    try {
      String answer = in.readLine();
      if (answer == null) {
        err.println();
        return false;
      }
      return answer.strip().equals("yes");
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read the answer: " + e.getMessage(), e);
    }
  }
}
