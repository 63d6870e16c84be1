package dev.comity.agent.resources;

import java.time.Instant;
import java.util.List;
import java.util.OptionalDouble;

/// What the gate decided, and on what grounds. For the site's own people; of it, only
/// [Cause#published] and the next window are for others.
///
/// @param since when a decision of this kind was taken, by the calendar
/// @param details why each rule that holds does, with its reading
/// @param signals every signal that a rule names, once, in the order of the site's file
public record GateStatus(
    Decision decision, Instant since, List<String> details, List<Signal> signals) {
  public GateStatus {
    details = List.copyOf(details);
    signals = List.copyOf(signals);
  }

  /// A signal as the last look found it.
  ///
  /// @param name `source/reading`
  /// @param value the last known
  /// @param stale whether it counts as the worst because it is too old or was never had
  public record Signal(String name, OptionalDouble value, boolean stale) {}
}
