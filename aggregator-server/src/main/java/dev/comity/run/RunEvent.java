package dev.comity.run;

/// What can happen to a run.
public sealed interface RunEvent {
  /// A training round wrote its model version.
  record TrainingCommitted() implements RunEvent {}

  /// The evaluation of the final model is known.
  record EvaluationCommitted() implements RunEvent {}

  /// The final model is not evaluated: differential privacy lets no metric travel.
  record EvaluationWaived() implements RunEvent {}

  /// A round ended without a result.
  record RoundAbandoned(String reason) implements RunEvent {}

  /// `account` asked for the end of the run.
  record CancelRequested(String account) implements RunEvent {}
}
