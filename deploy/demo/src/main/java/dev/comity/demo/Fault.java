package dev.comity.demo;

/// What the demo breaks on purpose in the middle of a round, with `kill -9`.
sealed interface Fault {
  /// Nothing.
  record None() implements Fault {}

  /// The agent of the site with this number, counted from 1.
  record KillSite(int number) implements Fault {}

  /// The aggregator.
  record KillAggregator() implements Fault {}
}
