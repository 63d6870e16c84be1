package dev.comity.audit.postgres;

import dev.comity.audit.AuditHeads;
import dev.comity.audit.AuditLog;
import dev.comity.codec.Bytes;
import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import dev.comity.round.FederationAuthority;
import dev.comity.transparency.Countersignature;
import dev.comity.transparency.SignedHead;
import dev.comity.transparency.TreeHead;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Clock;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Optional;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;

/// Heads are signed when somebody asks for the newest one, and kept: of two askers at once one head
/// of that size is stored, and both are given it.
@Component
final class PostgresAuditHeads implements AuditHeads {
  private final JdbcClient sql;
  private final AuditLog log;
  private final FederationAuthority federation;
  private final Clock clock;

  PostgresAuditHeads(JdbcClient sql, AuditLog log, FederationAuthority federation, Clock clock) {
    this.sql = sql;
    this.log = log;
    this.federation = federation;
    this.clock = clock;
  }

  @Override
  public Head newest() {
    var size = log.size();
    return of(size).orElseGet(() -> sign(size));
  }

  private Head sign(long size) {
    var head =
        new TreeHead(
            federation.federation(),
            federation.epoch(),
            size,
            log.root(size),
            clock.instant().truncatedTo(ChronoUnit.MILLIS));
    var signed = SignedHead.sign(head, federation.messageKey());
    sql.sql(
            """
            insert into audit_head (size, document, signature, at) values (:size, :document, :signature, :at)
            on conflict do nothing
            """)
        .param("size", size)
        .param("document", signed.document().toByteArray())
        .param("signature", signed.signature().toByteArray())
        .param("at", head.at().atOffset(ZoneOffset.UTC))
        .update();
    return of(size).orElseThrow();
  }

  @Override
  public Optional<Head> of(long size) {
    return sql.sql("select document, signature from audit_head where size = ?")
        .param(size)
        .query((row, _) ->
            new SignedHead(Bytes.of(row.getBytes("document")), Bytes.of(row.getBytes("signature"))))
        .optional()
        .map(signed -> new Head(TreeHead.decode(signed.document().toByteArray()), signed));
  }

  @Override
  public List<Received> countersignatures(long size) {
    var head = of(size);
    if (head.isEmpty()) {
      return List.of();
    }
    var digest = head.get().signed().digest();
    return sql.sql(
            """
            select site_id, signature, at from audit_countersignature where size = ? order by site_id collate "C"
            """)
        .param(size)
        .query((row, _) -> received(row, digest))
        .list();
  }

  private static Received received(ResultSet row, Digest head) throws SQLException {
    return new Received(
        new Countersignature(
            new SiteId(row.getString("site_id")), head, Bytes.of(row.getBytes("signature"))),
        row.getObject("at", OffsetDateTime.class).toInstant());
  }

  @Override
  public List<Long> lastCountersigned() {
    return sql.sql(
            """
            select distinct max as size from (select max(size) from audit_countersignature group by site_id) as last
            order by size
            """)
        .query(Long.class)
        .list();
  }

  @Override
  public boolean countersigned(SiteId site, long size) {
    return sql.sql(
            "select exists (select 1 from audit_countersignature where size = ? and site_id = ?)")
        .params(size, site.value())
        .query(Boolean.class)
        .single();
  }

  @Override
  public Outcome countersign(long size, Countersignature countersignature) {
    var head = of(size);
    if (head.isEmpty() || !head.get().signed().digest().equals(countersignature.head())) {
      return new Outcome.Refused(
          "audit.unknown-head",
          "this aggregator signed no head %s of size %d"
              .formatted(countersignature.head().abbreviated(), size));
    }
    var key =
        federation
            .membership()
            .flatMap(signed -> federation.membership(signed.digest()))
            .flatMap(epoch -> epoch.keyOf(countersignature.site()));
    if (key.isEmpty()) {
      return new Outcome.Refused(
          "audit.no-member",
          "site %s is not in the newest membership".formatted(countersignature.site()));
    }
    if (!countersignature.verifies(key.get())) {
      return new Outcome.Refused(
          "audit.bad-signature",
          "the countersignature of %s does not verify under its key %s"
              .formatted(countersignature.site(), key.get()));
    }
    sql.sql(
            """
            insert into audit_countersignature (size, site_id, signature, at) values (:size, :site, :signature, :at)
            on conflict do nothing
            """)
        .param("size", size)
        .param("site", countersignature.site().value())
        .param("signature", countersignature.signature().toByteArray())
        .param("at", clock.instant().atOffset(ZoneOffset.UTC))
        .update();
    return new Outcome.Stored();
  }
}
