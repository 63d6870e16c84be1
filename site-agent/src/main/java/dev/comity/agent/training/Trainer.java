package dev.comity.agent.training;

import dev.comity.plan.Digest;

/// Trains or evaluates on this site's examples. Request and outcome are messages, so that the work
/// may happen in another process; nothing of the examples is in them but the update and sums.
public interface Trainer {

  /// Does what the request's terms ask for. An equal request gives a bit-identical outcome on the
  /// same machine, also after a kill: work goes on from the last checkpoint. Only a request for
  /// partial work depends on the clock. For a run that only evaluates, the delta is empty.
  ///
  /// @throws TrainingRefusedException if the terms do not fit the examples, or the training
  ///   diverges; with differential privacy one that diverges gives an update of zero
  /// @throws InterruptedException if the thread is interrupted; the state is saved first
  TrainingOutcome train(TrainingRequest request, ProgressListener progress, PauseGate gate)
      throws InterruptedException;

  /// Forgets the saved state of a training, once its update is stored or no longer wanted.
  void discard(Digest terms);
}
