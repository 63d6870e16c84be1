package dev.comity.audit;

import dev.comity.plan.Digest;
import dev.comity.plan.RunId;
import dev.comity.plan.SiteId;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/// One line of a run's journal. `revision` counts from 1 in the run without a gap; `round` is the
/// round's number.
public record JournalEntry(
    RunId run,
    long revision,
    Instant at,
    Kind kind,
    @Nullable Integer round,
    @Nullable Digest session,
    @Nullable SiteId site,
    String event,
    @Nullable String from,
    @Nullable String to,
    String sentence) {

  /// What the line is about; the same names are used in SQL.
  public enum Kind {
    RUN,
    ROUND,
    SITE,
    SESSION,
    MODEL
  }
}
