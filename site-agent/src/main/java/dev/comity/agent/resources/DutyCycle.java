package dev.comity.agent.resources;

import java.time.Duration;

/// Keeps training to its share of the time: after work of w at duty cycle d it owes a rest of w·(1
/// − d)/d, which it takes once that is long enough to be taken exactly. The work itself is not
/// changed, so neither is its result. Confined to the training thread.
public final class DutyCycle {
  private static final long LEAST_NANOS = Duration.ofMillis(5).toNanos();

  private final ResourceGate gate;
  private long owed;

  public DutyCycle(ResourceGate gate) {
    this.gate = gate;
  }

  /// After work of `worked`: rests as long as the throttle in force asks, and no longer than it is
  /// in force.
  ///
  /// @throws InterruptedException when the thread is interrupted
  public void worked(Duration worked) throws InterruptedException {
    GateStatus status = gate.status();
    if (!(status.decision() instanceof Decision.Throttle throttle)) {
      owed = 0;
      return;
    }
    owed += (long) (worked.toNanos() * (1 - throttle.dutyCycle()) / throttle.dutyCycle());
    while (owed >= LEAST_NANOS) {
      long before = System.nanoTime();
      status = gate.awaitChange(status, Duration.ofNanos(owed));
      owed -= System.nanoTime() - before;
      if (!(status.decision() instanceof Decision.Throttle)) {
        owed = 0;
      }
    }
  }
}
