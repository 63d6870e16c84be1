package dev.comity.run;

/// What an event did to a run.
public sealed interface RunTransition {
  /// The run stands at `state` now.
  record Moved(RunState state) implements RunTransition {}

  /// Nothing changed, and why.
  record Ignored(String detail) implements RunTransition {}
}
