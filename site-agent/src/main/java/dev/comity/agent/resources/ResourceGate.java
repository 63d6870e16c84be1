package dev.comity.agent.resources;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/// Whether the site's power, temperature and hours let it train now. Asked before training and
/// between batches. Any thread.
public interface ResourceGate extends AutoCloseable {

  /// The decision in force.
  GateStatus status();

  /// Returns when another decision than `seen` is in force, or after `most`.
  ///
  /// @return the decision in force then
  /// @throws InterruptedException when the waiting thread is interrupted
  GateStatus awaitChange(GateStatus seen, Duration most) throws InterruptedException;

  /// Returns when the site must be left: [Decision.Drain] is in force, and stays.
  ///
  /// @return false when the gate was closed instead
  /// @throws InterruptedException when the waiting thread is interrupted
  boolean awaitDrain() throws InterruptedException;

  /// Stops looking. The last decision stays in force.
  @Override
  void close();

  default boolean isOpen() {
    return status().decision().open();
  }

  /// A gate that follows `rules` over what `sources` tell at every poll. Has looked once when this
  /// returns.
  ///
  /// @param sources by name; closed with the gate
  /// @param every from one poll to the next
  /// @param timeout how long a poll waits for a source; a slower one is not asked again until it
  ///   has answered
  /// @throws IllegalArgumentException when a rule names a signal that no source can give
  static ResourceGate polling(
      Map<String, Source> sources,
      List<Rule> rules,
      Duration every,
      Duration timeout,
      Clock clock) {
    return PolledGate.start(sources, rules, every, timeout, clock, System::nanoTime);
  }

  /// A site without sensors: always open.
  static ResourceGate alwaysOpen() {
    var closed = new CountDownLatch(1);
    var status = new GateStatus(new Decision.Run(), Instant.now(), List.of(), List.of());
    return new ResourceGate() {
      @Override
      public GateStatus status() {
        return status;
      }

      @Override
      public GateStatus awaitChange(GateStatus seen, Duration most) throws InterruptedException {
        closed.await(most.toNanos(), TimeUnit.NANOSECONDS);
        return status;
      }

      @Override
      public boolean awaitDrain() throws InterruptedException {
        closed.await();
        return false;
      }

      @Override
      public void close() {
        closed.countDown();
      }
    };
  }
}
