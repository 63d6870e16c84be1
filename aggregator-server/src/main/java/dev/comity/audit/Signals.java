package dev.comity.audit;

import java.time.Duration;

/// Wakes whoever waits for a change. A wake-up says only that something may have changed: read the
/// database.
///
/// Take the ticket, read, and wait with that ticket: a change between reading and waiting then ends
/// the wait at once.
public interface Signals {

  /// How often `topic` has been signalled so far.
  long ticket(String topic);

  /// Waits until `topic` has been signalled more often than `ticket`, or `patience` is over.
  void await(String topic, long ticket, Duration patience) throws InterruptedException;

  /// Signals `topic` when the present transaction commits, at once without one.
  void signal(String topic);

  /// Topic of one run: its rounds, sessions and journal.
  static String run(String id) {
    return "run:" + id;
  }

  /// Topic of one site: what it is owed.
  static String site(String id) {
    return "site:" + id;
  }

  /// Topic of the list of runs.
  static String runs() {
    return "runs";
  }

  /// Topic of the membership list. It wakes whoever waits, whatever the topic.
  static String membership() {
    return "membership";
  }
}
