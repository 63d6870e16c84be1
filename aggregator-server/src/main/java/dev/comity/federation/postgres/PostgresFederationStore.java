package dev.comity.federation.postgres;

import dev.comity.audit.AuditLog;
import dev.comity.codec.Bytes;
import dev.comity.federation.FederationStore;
import dev.comity.federation.IssuedCertificate;
import dev.comity.membership.MembershipEpoch;
import dev.comity.membership.MessagePublicKey;
import dev.comity.membership.SignedMembership;
import dev.comity.plan.Digest;
import dev.comity.plan.FederationId;
import dev.comity.plan.SiteId;
import dev.comity.transparency.AuditEntry;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;
import org.springframework.transaction.support.TransactionOperations;

@Component
final class PostgresFederationStore implements FederationStore {
  private static final String SITE =
      """
      select site_id, message_key, certificate_serial, previous_certificate_serial,
             certificate_not_after, enrolled_at, state
      from site
      """;

  private final JdbcClient database;
  private final TransactionOperations transactions;
  private final AuditLog audit;

  PostgresFederationStore(JdbcClient database, TransactionOperations transactions, AuditLog audit) {
    this.database = database;
    this.transactions = transactions;
    this.audit = audit;
  }

  @Override
  @SuppressWarnings("NullAway") // the template gives back what the callback gave
  public <T> T exclusively(Supplier<T> work) {
    return transactions.execute(_ -> {
      database.sql("select federation_id from federation for update").query().singleRow();
      return work.get();
    });
  }

  @Override
  public long open(FederationId federation, Instant at) {
    database
        .sql(
            """
            insert into federation (federation_id, epoch, created_at) values (:id, 1, :at)
            on conflict do nothing
            """)
        .param("id", federation.value())
        .param("at", Timestamp.from(at))
        .update();
    var owner = database.sql("select federation_id from federation").query(String.class).single();
    if (!owner.equals(federation.value())) {
      throw new IllegalStateException(
          "this database belongs to federation %s, comity.federation says %s; correct one of the two"
              .formatted(owner, federation.value()));
    }
    return epoch();
  }

  private long epoch() {
    return database.sql("select epoch from federation").query(Long.class).single();
  }

  @Override
  public void raiseEpoch(long epoch) {
    var raised =
        database
            .sql("update federation set epoch = :epoch where epoch <= :epoch")
            .param("epoch", epoch)
            .update();
    if (raised == 0) {
      throw new IllegalStateException(
          "comity.federation-epoch %d is below the stored epoch %d, and sites know the greater; remove the option or raise it"
              .formatted(epoch, epoch()));
    }
  }

  @Override
  public Optional<Enrolment> enrolment(Bytes nonce) {
    return database
        .sql("select * from enrolment where nonce = :nonce")
        .param("nonce", nonce.toByteArray())
        .query((row, _) ->
            new Enrolment(
                Bytes.of(row.getBytes("nonce")),
                new SiteId(row.getString("site_id")),
                Digest.ofValue(row.getBytes("request_digest")),
                row.getString("certificate_pem"),
                row.getTimestamp("at").toInstant()))
        .optional();
  }

  @Override
  public void enrol(EnrolledSite site, Enrolment enrolment) {
    database
        .sql(
            """
            insert into site (site_id, message_key, certificate_serial, certificate_not_after,
                              enrolled_at, state)
            values (:site, :key, :serial, :notAfter, :at, :state)
            on conflict (site_id) do update
            set message_key = excluded.message_key,
                certificate_serial = excluded.certificate_serial,
                previous_certificate_serial = null,
                certificate_not_after = excluded.certificate_not_after,
                enrolled_at = excluded.enrolled_at,
                state = excluded.state
            """)
        .param("site", site.site().value())
        .param("key", site.key().bytes())
        .param("serial", site.serial())
        .param("notAfter", Timestamp.from(site.certificateNotAfter()))
        .param("at", Timestamp.from(site.enrolledAt()))
        .param("state", site.state().name())
        .update();
    database
        .sql(
            """
            insert into enrolment (nonce, site_id, request_digest, certificate_pem, at)
            values (:nonce, :site, :digest, :pem, :at)
            """)
        .param("nonce", enrolment.nonce().toByteArray())
        .param("site", enrolment.site().value())
        .param("digest", enrolment.request().bytes())
        .param("pem", enrolment.certificatePem())
        .param("at", Timestamp.from(enrolment.at()))
        .update();
  }

  @Override
  public Optional<EnrolledSite> site(SiteId site) {
    return database
        .sql(SITE + " where site_id = :site")
        .param("site", site.value())
        .query(PostgresFederationStore::enrolled)
        .optional();
  }

  @Override
  public Optional<EnrolledSite> site(MessagePublicKey key) {
    return database
        .sql(SITE + " where message_key = :key")
        .param("key", key.bytes())
        .query(PostgresFederationStore::enrolled)
        .optional();
  }

  @Override
  public List<EnrolledSite> sites() {
    return database.sql(SITE + " order by site_id").query(PostgresFederationStore::enrolled).list();
  }

  @Override
  public void certify(SiteId site, IssuedCertificate certificate, String used) {
    database
        .sql(
            """
            update site
            set previous_certificate_serial = :used, certificate_serial = :serial,
                certificate_not_after = :notAfter
            where site_id = :site
            """)
        .param("used", used)
        .param("serial", certificate.serial())
        .param("notAfter", Timestamp.from(certificate.notAfter()))
        .param("site", site.value())
        .update();
  }

  @Override
  public void setState(SiteId site, SiteState state) {
    database
        .sql("update site set state = :state where site_id = :site")
        .param("state", state.name())
        .param("site", site.value())
        .update();
  }

  @Override
  public void setKey(SiteId site, MessagePublicKey key) {
    database
        .sql("update site set message_key = :key where site_id = :site")
        .param("key", key.bytes())
        .param("site", site.value())
        .update();
  }

  @Override
  public Optional<SignedMembership> membership() {
    return database
        .sql("select document, signature from membership_epoch order by version desc limit 1")
        .query(PostgresFederationStore::signed)
        .optional();
  }

  @Override
  public Optional<SignedMembership> membership(Digest digest) {
    return database
        .sql("select document, signature from membership_epoch where digest = :digest")
        .param("digest", digest.bytes())
        .query(PostgresFederationStore::signed)
        .optional();
  }

  @Override
  public void add(MembershipEpoch epoch, SignedMembership signed, Instant at) {
    database
        .sql(
            """
            insert into membership_epoch (version, digest, document, signature, issued_at,
                                          expires_at, received_at)
            values (:version, :digest, :document, :signature, :issuedAt, :expiresAt, :receivedAt)
            """)
        .param("version", epoch.version())
        .param("digest", signed.digest().bytes())
        .param("document", signed.document().toByteArray())
        .param("signature", signed.signature().toByteArray())
        .param("issuedAt", Timestamp.from(epoch.issuedAt()))
        .param("expiresAt", Timestamp.from(epoch.expiresAt()))
        .param("receivedAt", Timestamp.from(at))
        .update();
    audit.append(new AuditEntry.Membership(epoch.version(), signed.digest()));
  }

  private static EnrolledSite enrolled(ResultSet row, int number) throws SQLException {
    return new EnrolledSite(
        new SiteId(row.getString("site_id")),
        MessagePublicKey.of(row.getBytes("message_key")),
        row.getString("certificate_serial"),
        row.getString("previous_certificate_serial"),
        row.getTimestamp("certificate_not_after").toInstant(),
        row.getTimestamp("enrolled_at").toInstant(),
        SiteState.valueOf(row.getString("state")));
  }

  private static SignedMembership signed(ResultSet row, int number) throws SQLException {
    return new SignedMembership(
        Bytes.of(row.getBytes("document")), Bytes.of(row.getBytes("signature")));
  }
}
