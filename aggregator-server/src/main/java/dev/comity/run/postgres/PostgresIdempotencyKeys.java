package dev.comity.run.postgres;

import dev.comity.plan.Digest;
import dev.comity.plan.RunId;
import dev.comity.run.IdempotencyKeys;
import java.sql.Timestamp;
import java.time.Instant;
import java.util.Optional;
import java.util.UUID;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;

@Component
final class PostgresIdempotencyKeys implements IdempotencyKeys {
  private final JdbcClient database;

  PostgresIdempotencyKeys(JdbcClient database) {
    this.database = database;
  }

  @Override
  public Optional<Use> claim(String account, String key) {
    database
        .sql("select true from (select pg_advisory_xact_lock(hashtextextended(:key, 0))) as locked")
        .param("key", account + '\n' + key)
        .query(Boolean.class)
        .single();
    return database
        .sql(
            """
            select request_digest, run.id, run.name
            from idempotency_key join run on run.id = run_id
            where username = :account and key = :key
            """)
        .param("account", account)
        .param("key", key)
        .query((row, _) ->
            new Use(
                Digest.ofValue(row.getBytes("request_digest")),
                new RunId(row.getObject("id", UUID.class)),
                row.getString("name")))
        .optional();
  }

  @Override
  public void add(String account, String key, Digest request, RunId run, Instant at) {
    database
        .sql(
            """
            insert into idempotency_key (username, key, request_digest, run_id, at)
            values (:account, :key, :digest, :run, :at)
            """)
        .param("account", account)
        .param("key", key)
        .param("digest", request.bytes())
        .param("run", run.value())
        .param("at", Timestamp.from(at))
        .update();
  }
}
