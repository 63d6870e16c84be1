package dev.comity.run;

import dev.comity.plan.RunId;

/// Runs, as a researcher's request reaches them. Both methods join the caller's transaction.
public interface Runs {

  /// Stores the run and writes version 0 of its model; the engine opens the first round as soon as
  /// the transaction commits. Throws [RefusedSubmission] when name, study or plan do not fit.
  void submit(RunSubmission submission, String account);

  /// Ends the run. What was committed stays; a session that may have received a masked vector is
  /// led to its proof. Gives `Ignored` when the run has ended already. Throws [UnknownRun].
  RunTransition cancel(RunId run, String account);

  /// No run has this id.
  final class UnknownRun extends RuntimeException {
    public UnknownRun(RunId run) {
      super("run " + run.value() + " is unknown");
    }
  }

  /// The submission contradicts what is stored, or no round plan can be made of it.
  final class RefusedSubmission extends RuntimeException {
    private final String pointer;

    /// `pointer` is the JSON pointer of the field at fault.
    public RefusedSubmission(String pointer, String detail) {
      super(detail);
      this.pointer = pointer;
    }

    public String pointer() {
      return pointer;
    }
  }
}
