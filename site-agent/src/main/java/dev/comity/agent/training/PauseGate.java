package dev.comity.agent.training;

import java.time.Duration;

/// Whether the site lends its machine to training right now. Asked before every batch.
public interface PauseGate {
  boolean isOpen();

  /// Blocks until the gate is open. The trainer saves its state before it waits.
  void awaitOpen() throws InterruptedException;

  /// Blocks until the gate is open, `longest` at most.
  void awaitOpen(Duration longest) throws InterruptedException;

  /// Hears how long a batch took; may wait before it returns, so that training takes no more than
  /// its share of the time.
  default void worked(Duration batch) throws InterruptedException {}

  /// A gate that never closes.
  static PauseGate alwaysOpen() {
    return new PauseGate() {
      @Override
      public boolean isOpen() {
        return true;
      }

      @Override
      public void awaitOpen() {}

      @Override
      public void awaitOpen(Duration longest) {}
    };
  }
}
