package dev.comity.simulation;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/// What happened, a line each, in order: the same seed gives the same lines.
final class Trace {
  private final List<String> lines = new ArrayList<>();

  void add(long milliseconds, String line) {
    lines.add(String.format(Locale.ROOT, "%9.3f s  %s", milliseconds / 1000.0, line));
  }

  List<String> lines() {
    return List.copyOf(lines);
  }

  @Override
  public String toString() {
    return String.join("\n", lines);
  }
}
