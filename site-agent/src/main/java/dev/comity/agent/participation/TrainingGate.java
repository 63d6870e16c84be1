package dev.comity.agent.participation;

import dev.comity.agent.resources.Decision;
import dev.comity.agent.resources.DutyCycle;
import dev.comity.agent.resources.GateStatus;
import dev.comity.agent.resources.ResourceGate;
import dev.comity.agent.training.PauseGate;
import java.time.Duration;
import java.util.function.Consumer;

/// The resource gate as one training sees it: says when the training stops at it and when it goes
/// on. Confined to the training thread.
final class TrainingGate implements PauseGate {
  /// How often a closed gate is said again: a site that was lost in between is paused once more.
  private static final Duration REPEAT = Duration.ofMinutes(1);

  private static final Duration FOREVER = Duration.ofDays(36_500);

  private final ResourceGate gate;
  private final DutyCycle dutyCycle;
  private final Consumer<Decision> closed;
  private final Runnable opened;

  /// @param closed hears the decision that holds the training, at once, when another takes its
  ///   place, and each minute
  /// @param opened called when the training goes on
  TrainingGate(ResourceGate gate, Consumer<Decision> closed, Runnable opened) {
    this.gate = gate;
    this.dutyCycle = new DutyCycle(gate);
    this.closed = closed;
    this.opened = opened;
  }

  @Override
  public boolean isOpen() {
    return gate.isOpen();
  }

  /// @throws InterruptedException also when the gate drains this process: nothing opens it then
  @Override
  public void awaitOpen() throws InterruptedException {
    awaitOpen(FOREVER);
  }

  /// @throws InterruptedException also when the gate drains this process: nothing opens it then
  @Override
  public void awaitOpen(Duration longest) throws InterruptedException {
    long begun = System.nanoTime();
    GateStatus status = gate.status();
    if (status.decision().open()) {
      return;
    }
    while (!status.decision().open()) {
      closed.accept(status.decision());
      if (status.decision() instanceof Decision.Drain) {
        throw new InterruptedException("the resource gate drains this process");
      }
      Duration left = longest.minusNanos(System.nanoTime() - begun);
      if (!left.isPositive()) {
        return;
      }
      status = gate.awaitChange(status, left.compareTo(REPEAT) < 0 ? left : REPEAT);
    }
    opened.run();
  }

  @Override
  public void worked(Duration batch) throws InterruptedException {
    dutyCycle.worked(batch);
  }
}
