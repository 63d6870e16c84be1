package dev.comity.demo;

import java.io.PrintStream;
import java.time.Duration;
import java.util.Locale;

/// What the demo's user reads: steps as lines, and while a run goes on one line that is rewritten
/// in place on a terminal, and printed on change anywhere else. Used by one thread.
final class Terminal {
  private static final String START_OF_LINE = "\r\u001b[K";

  private final PrintStream out;
  private final boolean rewriting;
  private final long start = System.nanoTime();
  private String shown = "";

  Terminal(PrintStream out, boolean rewriting) {
    this.out = out;
    this.rewriting = rewriting;
  }

  /// On standard output.
  static Terminal standard() {
    var console = System.console();
    return new Terminal(System.out, console != null && console.isTerminal());
  }

  /// A step that is done, with the time since the demo began.
  void step(String format, Object... values) {
    line("[%6.1f s] %s", elapsed().toMillis() / 1000.0, format.formatted(values));
  }

  void line(String format, Object... values) {
    if (rewriting && !shown.isEmpty()) {
      out.print(START_OF_LINE);
    }
    shown = "";
    out.println(format.formatted(values));
    out.flush();
  }

  void blank() {
    line("");
  }

  /// How the run stands; on a terminal with how much longer it takes, which elsewhere is left out
  /// because it would make every line a new one.
  void live(String state, String remaining) {
    if (rewriting) {
      out.print(START_OF_LINE + state + remaining);
      out.flush();
      shown = state;
    } else if (!state.equals(shown)) {
      line("[%6.1f s] %s%s", elapsed().toMillis() / 1000.0, state, remaining);
      shown = state;
    }
  }

  Duration elapsed() {
    return Duration.ofNanos(System.nanoTime() - start);
  }

  static String percent(double share) {
    return String.format(Locale.ROOT, "%.1f %%", 100 * share);
  }
}
