package dev.comity.agent.resources;

import java.time.Instant;
import java.util.List;

/// What a signal was, in the signal's own unit.
///
/// @param value finite
/// @param observedAt nanoseconds on the gate's monotonic clock, which no change of the date moves
/// @param expected what the signal is expected to become, earliest first; empty where nobody knows
public record Reading(double value, long observedAt, List<Expected> expected) {
  public Reading {
    if (!Double.isFinite(value)) {
      throw new IllegalArgumentException("a reading of " + value + ": must be finite");
    }
    expected = List.copyOf(expected);
  }

  /// Of a signal that nobody can foretell.
  public Reading(double value, long observedAt) {
    this(value, observedAt, List.of());
  }

  /// A value from a moment of the calendar on.
  public record Expected(Instant at, double value) {}
}
