package dev.comity.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

class RunStateTest {

  private static final List<RunEvent> EVENTS =
      List.of(
          new RunEvent.TrainingCommitted(),
          new RunEvent.EvaluationCommitted(),
          new RunEvent.EvaluationWaived(),
          new RunEvent.RoundAbandoned("hard limit"),
          new RunEvent.CancelRequested("ada"));

  @Test
  void aCommittedRoundCountsAndForgetsTheAbandonedOnesBeforeIt() {
    var running = new RunState.Running(3, 1, 2);

    var transition = running.on(new RunEvent.TrainingCommitted());

    assertThat(transition).isEqualTo(new RunTransition.Moved(new RunState.Running(3, 2, 0)));
  }

  @Test
  void noTrainingRoundIsCountedBeyondThePlannedOnes() {
    var trained = new RunState.Running(3, 3, 0);

    assertThat(trained.trained()).isTrue();
    assertThat(trained.on(new RunEvent.TrainingCommitted()))
        .isInstanceOf(RunTransition.Ignored.class);
  }

  @Test
  void theEvaluationOfTheFinalModelCompletesTheRunAndNoEarlierOneDoes() {
    var evaluation = new RunEvent.EvaluationCommitted();

    assertThat(new RunState.Running(3, 3, 1).on(evaluation))
        .isEqualTo(new RunTransition.Moved(new RunState.Completed()));
    assertThat(new RunState.Running(3, 2, 0).on(evaluation))
        .isInstanceOf(RunTransition.Ignored.class);
  }

  @Test
  void aWaivedEvaluationCompletesATrainedRunAndNoOther() {
    var waived = new RunEvent.EvaluationWaived();

    assertThat(new RunState.Running(3, 3, 1).on(waived))
        .isEqualTo(new RunTransition.Moved(new RunState.Completed()));
    assertThat(new RunState.Running(3, 2, 0).on(waived)).isInstanceOf(RunTransition.Ignored.class);
  }

  @Test
  void theThirdAbandonedRoundInARowEndsTheRunWithItsReason() {
    RunState state = new RunState.Running(5, 2, 0);

    for (var reason : List.of("first", "second")) {
      state = moved(state.on(new RunEvent.RoundAbandoned(reason)));
      assertThat(state).isInstanceOf(RunState.Running.class);
    }
    state = moved(state.on(new RunEvent.RoundAbandoned("hard limit")));

    assertThat(state)
        .isEqualTo(
            new RunState.Abandoned(
                "3 rounds in a row were abandoned with 2 of 5 committed; the last one: hard limit"));
  }

  @Test
  void aRunningRunIsCancelledByWhoAskedForIt() {
    assertThat(new RunState.Running(5, 2, 0).on(new RunEvent.CancelRequested("ada")))
        .isEqualTo(new RunTransition.Moved(new RunState.Cancelled("ada")));
  }

  @Test
  void anEndedRunIgnoresEverything() {
    var ended =
        List.<RunState>of(
            new RunState.Completed(),
            new RunState.Abandoned("three in a row"),
            new RunState.Cancelled("ada"));

    for (var state : ended) {
      for (var event : EVENTS) {
        assertThat(state.on(event)).isInstanceOf(RunTransition.Ignored.class);
      }
    }
  }

  @Test
  void impossibleCountsAreRefused() {
    assertThatThrownBy(() -> new RunState.Running(0, 0, 0)).hasMessageContaining("rounds 0");
    assertThatThrownBy(() -> new RunState.Running(2, 3, 0)).hasMessageContaining("[0, 2]");
    assertThatThrownBy(() -> new RunState.Running(2, 0, 3)).hasMessageContaining("[0, 2]");
  }

  private static RunState moved(RunTransition transition) {
    return ((RunTransition.Moved) transition).state();
  }
}
