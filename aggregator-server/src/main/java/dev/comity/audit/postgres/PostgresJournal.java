package dev.comity.audit.postgres;

import dev.comity.audit.Journal;
import dev.comity.audit.JournalEntry;
import dev.comity.audit.JournalLine;
import dev.comity.audit.Signals;
import dev.comity.plan.Digest;
import dev.comity.plan.RunId;
import dev.comity.plan.SiteId;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.time.Clock;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
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
  public long append(JournalLine line) {
    var revision =
        sql.sql("update run set revision = revision + 1 where id = ? returning revision")
            .param(line.run().value())
            .query(Long.class)
            .single();
    var session = line.session();
    var site = line.site();
    sql.sql(
            """
            insert into journal (run_id, revision, at, kind, round_id, session_id, site_id, event, from_state, to_state,
              sentence)
            values (:run, :revision, :at, :kind, :round, :session, :site, :event, :from, :to, :sentence)
            """)
        .param("run", line.run().value())
        .param("revision", revision)
        .param("at", clock.instant().atOffset(ZoneOffset.UTC))
        .param("kind", line.kind().name())
        .param("round", line.round(), Types.BIGINT)
        .param("session", session == null ? null : session.bytes(), Types.BINARY)
        .param("site", site == null ? null : site.value(), Types.VARCHAR)
        .param("event", line.event())
        .param("from", line.from(), Types.VARCHAR)
        .param("to", line.to(), Types.VARCHAR)
        .param("sentence", line.sentence())
        .update();
    signals.signal(Signals.run(line.run().value().toString()));
    return revision;
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
    return bytes == null ? null : Digest.ofValue(bytes);
  }

  private static @Nullable SiteId site(@Nullable String value) {
    return value == null ? null : new SiteId(value);
  }
}
