package dev.comity.agent.training;

/// A training that this site cannot contribute to. The message tells no number of the data, the
/// weights or the losses, so it may be logged and sent.
public final class TrainingRefusedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final Reason reason;

  TrainingRefusedException(Reason reason, String message) {
    super(message);
    this.reason = reason;
  }

  public Reason reason() {
    return reason;
  }

  /// Why.
  public enum Reason {
    /// A loss or a weight stopped being finite.
    DIVERGED,
    /// The terms do not fit this site's examples.
    UNSUITABLE
  }

  static TrainingRefusedException diverged() {
    return new TrainingRefusedException(
        Reason.DIVERGED,
        "diverged: the loss or a weight is no longer finite; lower training.learningRate or check"
            + " the scale of the features");
  }
}
