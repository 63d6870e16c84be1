package dev.comity.audit.web;

import dev.comity.audit.JournalEntry;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/// One line of the journal as it is shown.
record JournalLine(
    long revision,
    Instant at,
    JournalEntry.Kind kind,
    @Nullable Integer round,
    @Nullable String session,
    @Nullable String site,
    String event,
    @Nullable String from,
    @Nullable String to,
    String sentence) {

  static JournalLine of(JournalEntry entry) {
    var session = entry.session();
    var site = entry.site();
    return new JournalLine(
        entry.revision(),
        entry.at(),
        entry.kind(),
        entry.round(),
        session == null ? null : session.hex(),
        site == null ? null : site.value(),
        entry.event(),
        entry.from(),
        entry.to(),
        entry.sentence());
  }
}
