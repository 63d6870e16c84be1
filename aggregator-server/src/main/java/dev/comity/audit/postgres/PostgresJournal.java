package dev.comity.audit.postgres;

import dev.comity.audit.Journal;
import dev.comity.audit.JournalEntry;
import dev.comity.audit.Signals;
import dev.comity.plan.Digest;
import dev.comity.plan.RunId;
import dev.comity.plan.SiteId;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;

@Component
final class PostgresJournal implements Journal {

  private final JdbcClient sql;
  private final Signals signals;
  private final Clock clock;

  PostgresJournal(JdbcClient sql, Signals signals, Clock clock) {
    this.sql = sql;
    this.signals = signals;
    this.clock = clock;
  }

  @Override
  public List<JournalEntry> after(RunId run, long revision, int limit) {
    return sql.sql(
            """
            select journal.*, round.number as round_number
            from journal left join round on round.id = journal.round_id
            where journal.run_id = ? and journal.revision > ?
            order by journal.revision limit ?
            """)
        .params(run.value(), revision, limit)
        .query(PostgresJournal::entry)
        .list();
  }

  @Override
  public List<JournalEntry> follow(RunId run, long revision, int limit, Duration patience)
      throws InterruptedException {
    var topic = Signals.run(run.value().toString());
    var end = clock.instant().plus(patience);
    while (true) {
      var ticket = signals.ticket(topic);
      var entries = after(run, revision, limit);
      var left = Duration.between(clock.instant(), end);
      if (!entries.isEmpty() || left.isNegative() || left.isZero()) {
        return entries;
      }
      signals.await(topic, ticket, left);
    }
  }

  private static JournalEntry entry(ResultSet row, int index) throws SQLException {
    return new JournalEntry(
        new RunId(row.getObject("run_id", UUID.class)),
        row.getLong("revision"),
        row.getObject("at", OffsetDateTime.class).toInstant(),
        JournalEntry.Kind.valueOf(row.getString("kind")),
        row.getObject("round_number", Integer.class),
        digest(row.getBytes("session_id")),
        site(row.getString("site_id")),
        row.getString("event"),
        row.getString("from_state"),
        row.getString("to_state"),
        row.getString("sentence"));
  }

  private static @Nullable Digest digest(byte @Nullable [] bytes) {
    return bytes == null ? null : Digest.fromBytes(bytes);
  }

  private static @Nullable SiteId site(@Nullable String value) {
    return value == null ? null : new SiteId(value);
  }
}
