package dev.comity.audit;

import dev.comity.plan.Digest;
import dev.comity.plan.RunId;
import dev.comity.plan.SiteId;
import org.jspecify.annotations.Nullable;

/// A line to be written. `round` is the round row's id; `event` a stable name; `sentence` is for a
/// person and holds nothing about one site that the journal may not tell everybody.
public record JournalLine(
    RunId run,
    JournalEntry.Kind kind,
    @Nullable Long round,
    @Nullable Digest session,
    @Nullable SiteId site,
    String event,
    @Nullable String from,
    @Nullable String to,
    String sentence) {

  public static JournalLine run(RunId run, String event, String sentence) {
    return new JournalLine(
        run, JournalEntry.Kind.RUN, null, null, null, event, null, null, sentence);
  }

  public static JournalLine round(RunId run, long round, String event, String sentence) {
    return new JournalLine(
        run, JournalEntry.Kind.ROUND, round, null, null, event, null, null, sentence);
  }

  public static JournalLine session(
      RunId run, long round, Digest session, String event, String sentence) {
    return new JournalLine(
        run, JournalEntry.Kind.SESSION, round, session, null, event, null, null, sentence);
  }

  public static JournalLine site(
      RunId run, long round, SiteId site, String event, String sentence) {
    return new JournalLine(
        run, JournalEntry.Kind.SITE, round, null, site, event, null, null, sentence);
  }

  public static JournalLine model(RunId run, @Nullable Long round, String event, String sentence) {
    return new JournalLine(
        run, JournalEntry.Kind.MODEL, round, null, null, event, null, null, sentence);
  }

  /// The same line with the states on both sides of what happened.
  public JournalLine moved(@Nullable String before, String after) {
    return new JournalLine(run, kind, round, session, site, event, before, after, sentence);
  }
}
