package dev.comity.agent.training;

/// Hears how far a training is, in tenths: a count of steps would tell the number of examples.
@FunctionalInterface
public interface ProgressListener {
  /// Called on the training thread with `tenths` in 0..10, each value at most once and rising; a
  /// resumed training begins with the tenth it reached.
  void progress(int tenths);
}
