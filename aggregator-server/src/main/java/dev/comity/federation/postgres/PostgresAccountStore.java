package dev.comity.federation.postgres;

import dev.comity.federation.AccountStore;
import dev.comity.federation.Role;
import dev.comity.plan.Digest;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;

@Component
final class PostgresAccountStore implements AccountStore {
  private final JdbcClient database;

  PostgresAccountStore(JdbcClient database) {
    this.database = database;
  }

  @Override
  public Optional<Account> find(String username) {
    return database
        .sql("select username, password_hash, role from account where username = :username")
        .param("username", username)
        .query((row, _) ->
            new Account(
                row.getString("username"),
                row.getString("password_hash"),
                Role.valueOf(row.getString("role"))))
        .optional();
  }

  @Override
  public boolean add(Account account, Instant at) {
    return database
            .sql(
                """
                insert into account (username, password_hash, role, created_at)
                values (:username, :hash, :role, :at)
                on conflict do nothing
                """)
            .param("username", account.username())
            .param("hash", account.passwordHash())
            .param("role", account.role().name())
            .param("at", Timestamp.from(at))
            .update()
        == 1;
  }

  @Override
  public void add(ApiToken token, Digest hash) {
    database
        .sql(
            """
            insert into api_token (id, name, token_hash, role, created_by, created_at, expires_at)
            values (:id, :name, :hash, :role, :createdBy, :createdAt, :expiresAt)
            """)
        .param("id", token.id())
        .param("name", token.name())
        .param("hash", hash.bytes())
        .param("role", token.role().name())
        .param("createdBy", token.createdBy())
        .param("createdAt", Timestamp.from(token.createdAt()))
        .param(
            "expiresAt",
            token.expiresAt() == null ? null : Timestamp.from(token.expiresAt()),
            java.sql.Types.TIMESTAMP)
        .update();
  }

  @Override
  public Optional<ApiToken> use(Digest hash, Instant at) {
    return database
        .sql(
            """
            update api_token set last_used_at = :at
            where token_hash = :hash and (expires_at is null or expires_at > :at)
            returning *
            """)
        .param("hash", hash.bytes())
        .param("at", Timestamp.from(at))
        .query(PostgresAccountStore::token)
        .optional();
  }

  @Override
  public List<ApiToken> tokens() {
    return database
        .sql("select * from api_token order by created_at, id")
        .query(PostgresAccountStore::token)
        .list();
  }

  @Override
  public boolean revoke(UUID token) {
    return database.sql("delete from api_token where id = :id").param("id", token).update() == 1;
  }

  private static ApiToken token(ResultSet row, int number) throws SQLException {
    return new ApiToken(
        row.getObject("id", UUID.class),
        row.getString("name"),
        Role.valueOf(row.getString("role")),
        row.getString("created_by"),
        row.getTimestamp("created_at").toInstant(),
        instant(row, "expires_at"),
        instant(row, "last_used_at"));
  }

  private static @Nullable Instant instant(ResultSet row, String column) throws SQLException {
    var at = row.getTimestamp(column);
    return at == null ? null : at.toInstant();
  }
}
