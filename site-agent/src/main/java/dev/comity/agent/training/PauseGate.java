package dev.comity.agent.training;

/// Whether the site lends its machine to training right now. Asked before every batch.
public interface PauseGate {
  boolean isOpen();

  /// Blocks until the gate is open. The trainer saves its state before it waits.
  void awaitOpen() throws InterruptedException;

  /// A gate that never closes.
  static PauseGate alwaysOpen() {
    return new PauseGate() {
      @Override
      public boolean isOpen() {
        return true;
      }

      @Override
      public void awaitOpen() {}
    };
  }
}
