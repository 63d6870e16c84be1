package dev.comity.audit.postgres;

import dev.comity.audit.AuditLeaf;
import dev.comity.audit.AuditLog;
import dev.comity.codec.Bytes;
import dev.comity.plan.Digest;
import dev.comity.plan.RunId;
import dev.comity.transparency.AuditEntry;
import dev.comity.transparency.ConsistencyProof;
import dev.comity.transparency.InclusionProof;
import dev.comity.transparency.MerkleLog;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.time.Clock;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.TransactionDefinition;
import org.springframework.transaction.support.TransactionSynchronizationManager;
import org.springframework.transaction.support.TransactionTemplate;

/// Leaves in a table, the tree over their digests in memory: it follows the committed rows, which
/// never change. Any thread.
@Component
final class PostgresAuditLog implements AuditLog {
  private static final String LEAF = "select leaf_index, entry, at from audit_leaf ";

  private final JdbcClient sql;
  private final Clock clock;

  /// Reads what is committed, whatever transaction the caller is in.
  private final TransactionTemplate outside;

  /// Guarded by itself.
  private final MerkleLog tree = new MerkleLog();

  PostgresAuditLog(JdbcClient sql, PlatformTransactionManager manager, Clock clock) {
    this.sql = sql;
    this.clock = clock;
    this.outside = new TransactionTemplate(manager);
    outside.setPropagationBehavior(TransactionDefinition.PROPAGATION_NOT_SUPPORTED);
  }

  @Override
  public void append(AuditEntry entry) {
    if (!TransactionSynchronizationManager.isActualTransactionActive()) {
      throw new IllegalStateException(
          "an audit entry of kind %s without a transaction: write it together with its event"
              .formatted(entry.kind()));
    }
    // The row lock makes the order of the leaves the order of the commits.
    var size =
        sql.sql("update audit_log set size = size + 1 returning size").query(Long.class).single();
    sql.sql(
            """
            insert into audit_leaf (leaf_index, kind, digest, at, entry, subject, run_id)
            values (:index, :kind, :digest, :at, :entry, :subject, :run)
            """)
        .param("index", size - 1)
        .param("kind", entry.kind())
        .param("digest", entry.leafHash().bytes())
        .param("at", clock.instant().atOffset(ZoneOffset.UTC))
        .param("entry", entry.encode())
        .param("subject", entry.subject().bytes())
        .param("run", entry.ofRun().map(RunId::value).orElse(null), Types.OTHER)
        .update();
  }

  @Override
  public long size() {
    return withTree(MerkleLog::size);
  }

  @Override
  public Digest root(long size) {
    return withTree(log -> log.root(size));
  }

  @Override
  public InclusionProof inclusion(long index, long size) {
    return withTree(log -> log.inclusion(index, size));
  }

  @Override
  public ConsistencyProof consistency(long from, long to) {
    return withTree(log -> log.consistency(from, to));
  }

  @SuppressWarnings("NullAway") // the template gives back what the callback gave
  private <T> T withTree(Function<MerkleLog, T> work) {
    synchronized (tree) {
      return outside.execute(_ -> {
        sql.sql("select digest from audit_leaf where leaf_index >= ? order by leaf_index")
            .param(tree.size())
            .query(byte[].class)
            .list()
            .forEach(digest -> tree.append(Digest.ofValue(digest)));
        return work.apply(tree);
      });
    }
  }

  @Override
  public List<AuditLeaf> leaves(long index, int limit) {
    return sql.sql(LEAF + "where leaf_index >= ? order by leaf_index limit ?")
        .params(index, limit)
        .query(PostgresAuditLog::leaf)
        .list();
  }

  @Override
  public Optional<AuditLeaf> leaf(Digest digest) {
    return sql.sql(LEAF + "where digest = ?")
        .param(digest.bytes())
        .query(PostgresAuditLog::leaf)
        .optional();
  }

  @Override
  public Optional<AuditLeaf> leaf(String kind, Digest subject) {
    return sql.sql(LEAF + "where kind = ? and subject = ?")
        .params(kind, subject.bytes())
        .query(PostgresAuditLog::leaf)
        .optional();
  }

  @Override
  public List<AuditLeaf> leaves(RunId run) {
    return sql.sql(LEAF + "where run_id = ? order by leaf_index")
        .param(run.value())
        .query(PostgresAuditLog::leaf)
        .list();
  }

  private static AuditLeaf leaf(ResultSet row, int number) throws SQLException {
    return new AuditLeaf(
        row.getLong("leaf_index"),
        Bytes.of(row.getBytes("entry")),
        row.getObject("at", OffsetDateTime.class).toInstant());
  }
}
