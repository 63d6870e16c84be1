package dev.comity.simulation;

import java.util.Map;
import java.util.TreeMap;

/// How often something came about: a simulation that never gets there proves nothing.
final class Tally {
  private final Map<String, Long> counts = new TreeMap<>();

  void count(String what) {
    counts.merge(what, 1L, Long::sum);
  }

  void add(Tally other) {
    other.counts.forEach((what, times) -> counts.merge(what, times, Long::sum));
  }

  long of(String what) {
    return counts.getOrDefault(what, 0L);
  }

  @Override
  public String toString() {
    StringBuilder lines = new StringBuilder();
    counts.forEach((what, times) -> lines.append("%10d  %s%n".formatted(times, what)));
    return lines.toString();
  }
}
