package dev.comity.round;

/// What an event did to a round.
public sealed interface RoundTransition {
  /// The round stands at `state` now.
  record Moved(RoundState state) implements RoundTransition {}

  /// Nothing changed, and why: late and duplicate reports are no errors.
  record Ignored(String detail) implements RoundTransition {}
}
