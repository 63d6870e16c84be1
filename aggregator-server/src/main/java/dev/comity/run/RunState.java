package dev.comity.run;

import org.jspecify.annotations.Nullable;

/// Where a run stands. Running counts what matters for its end: committed training rounds, and
/// rounds abandoned since the last commit.
///
/// | state | training committed | evaluation committed or waived | round abandoned | cancel requested |
/// |---|---|---|---|---|
/// | Running | Running | Completed | Running, or Abandoned at the third in a row | Cancelled |
/// | Completed, Abandoned, Cancelled | ignored | ignored | ignored | ignored |
public sealed interface RunState {

  /// So many rounds abandoned one after the other end a run.
  int ABANDONED_IN_A_ROW = 3;

  RunTransition on(RunEvent event);

  /// The state that a row of the table `run` tells; `reason` is the reason of Abandoned and the
  /// account of Cancelled.
  static RunState stored(
      String state, @Nullable String reason, int planned, int committed, int abandonedInARow) {
    var why = reason == null ? "" : reason;
    return switch (state) {
      case "RUNNING" -> new Running(planned, committed, abandonedInARow);
      case "COMPLETED" -> new Completed();
      case "ABANDONED" -> new Abandoned(why);
      case "CANCELLED" -> new Cancelled(why);
      default -> throw new IllegalStateException("a run has the state " + state);
    };
  }

  /// Rounds are still owed. `planned` > 0 counts committed training rounds; the evaluation of the
  /// final model follows them, unless it is waived.
  record Running(int planned, int committed, int abandonedInARow) implements RunState {
    public Running {
      if (planned < 1) {
        throw new IllegalArgumentException("rounds " + planned + " of a run: must be >= 1");
      }
      if (committed < 0 || committed > planned) {
        throw new IllegalArgumentException(
            "committed rounds " + committed + " of a run: must be in [0, " + planned + "]");
      }
      if (abandonedInARow < 0 || abandonedInARow >= ABANDONED_IN_A_ROW) {
        throw new IllegalArgumentException(
            "rounds abandoned in a row "
                + abandonedInARow
                + " of a running run: must be in [0, "
                + (ABANDONED_IN_A_ROW - 1)
                + "]");
      }
    }

    /// Whether the next round evaluates the final model instead of training.
    public boolean trained() {
      return committed == planned;
    }

    @Override
    public RunTransition on(RunEvent event) {
      return switch (event) {
        case RunEvent.TrainingCommitted _ when !trained() ->
            new RunTransition.Moved(new Running(planned, committed + 1, 0));
        case RunEvent.TrainingCommitted _ ->
            new RunTransition.Ignored("all " + planned + " training rounds are committed already");
        case RunEvent.EvaluationCommitted _, RunEvent.EvaluationWaived _ when trained() ->
            new RunTransition.Moved(new Completed());
        case RunEvent.EvaluationCommitted _, RunEvent.EvaluationWaived _ ->
            new RunTransition.Ignored(
                "an evaluation ends a run only after its " + planned + " training rounds");
        case RunEvent.RoundAbandoned(var reason) when abandonedInARow + 1 == ABANDONED_IN_A_ROW ->
            new RunTransition.Moved(
                new Abandoned(
                    ABANDONED_IN_A_ROW
                        + " rounds in a row were abandoned with "
                        + committed
                        + " of "
                        + planned
                        + " committed; the last one: "
                        + reason));
        case RunEvent.RoundAbandoned _ ->
            new RunTransition.Moved(new Running(planned, committed, abandonedInARow + 1));
        case RunEvent.CancelRequested(var account) ->
            new RunTransition.Moved(new Cancelled(account));
      };
    }
  }

  /// Every training round is committed, and the final model is evaluated where metrics may travel.
  record Completed() implements RunState {
    @Override
    public RunTransition on(RunEvent event) {
      return new RunTransition.Ignored("the run is completed");
    }
  }

  /// The run ended without its rounds; what was committed stays.
  record Abandoned(String reason) implements RunState {
    @Override
    public RunTransition on(RunEvent event) {
      return new RunTransition.Ignored("the run is abandoned: " + reason);
    }
  }

  /// Somebody ended the run; what was committed stays.
  record Cancelled(String account) implements RunState {
    @Override
    public RunTransition on(RunEvent event) {
      return new RunTransition.Ignored("the run was cancelled by " + account);
    }
  }
}
