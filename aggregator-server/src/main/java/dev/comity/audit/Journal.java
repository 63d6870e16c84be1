package dev.comity.audit;

import dev.comity.plan.RunId;
import java.time.Duration;
import java.util.List;

/// The journal of every run: what happened, in the order of its revisions, which are also the ids
/// of server-sent events.
public interface Journal {

  /// Writes `line` and gives its revision. Whoever changes a run writes the line in the same
  /// transaction, which holds the run row's lock; followers wake when it commits.
  long append(JournalLine line);

  /// At most `limit` lines with a revision above `revision`, oldest first.
  List<JournalEntry> after(RunId run, long revision, int limit);

  /// As [#after], but waits up to `patience` for the first line; empty when none came. Wakes by
  /// notification.
  List<JournalEntry> follow(RunId run, long revision, int limit, Duration patience)
      throws InterruptedException;
}
