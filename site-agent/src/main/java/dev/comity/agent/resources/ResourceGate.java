package dev.comity.agent.resources;

import java.time.Duration;

/// Whether the site's power, temperature and hours let it train now. Asked before training and
/// between batches, from the training thread.
public interface ResourceGate {
  boolean isOpen();

  /// Returns at once while the gate is open, else when it opens again.
  ///
  /// @throws InterruptedException when the waiting thread is interrupted
  void awaitOpen() throws InterruptedException;

  /// As the other, `longest` at most.
  void awaitOpen(Duration longest) throws InterruptedException;

  /// A site without sensors: always open.
  static ResourceGate alwaysOpen() {
    return new ResourceGate() {
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
