package dev.comity.audit;

import dev.comity.plan.RunId;
import java.time.Duration;
import java.util.List;

/// The journal of every run, for reading. Whoever changes a run writes the line in the same transaction.
public interface Journal {

  /// At most `limit` lines with a revision above `revision`, oldest first.
  List<JournalEntry> after(RunId run, long revision, int limit);

  /// As [#after], but waits up to `patience` for the first line; empty when none came. Wakes by notification.
  List<JournalEntry> follow(RunId run, long revision, int limit, Duration patience)
      throws InterruptedException;
}
