package dev.comity.round.postgres;

import dev.comity.codec.Bytes;
import dev.comity.plan.Digest;
import dev.comity.plan.PlanCodec;
import dev.comity.plan.RoundPlan;
import dev.comity.plan.RunId;
import dev.comity.plan.SiteId;
import dev.comity.round.Roll;
import dev.comity.round.RoundState;
import dev.comity.round.RoundState.SessionStage;
import dev.comity.round.SitePhase;
import dev.comity.round.SiteStanding;
import dev.comity.run.RunState;
import dev.comity.session.Certificate;
import dev.comity.session.ServerSession;
import dev.comity.session.SessionDescriptor;
import dev.comity.session.SessionEvent;
import dev.comity.session.SignedMessage;
import dev.comity.session.SignedView;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;

/// The rows of rounds and sessions. Every method joins the caller's transaction.
@Component
final class RoundStore {

  private static final String ROUND =
      """
      select id, run_id, number, phase, reason, plan, plan_digest, silence_deadline, hard_deadline, sum_digest from round
      """;
  private static final String SESSION =
      """
      select id, round_id, attempt, phase, descriptor, deadline, hard_deadline, certificate from aggregation_session
      """;

  private final JdbcClient sql;

  RoundStore(JdbcClient sql) {
    this.sql = sql;
  }

  /// The run, locked until the transaction ends.
  Optional<RunRow> lock(RunId run) {
    return sql.sql(
            """
            select id, name, state, reason, rounds_planned, committed_rounds, abandoned_in_a_row, template, model_version
            from run where id = ? for update
            """)
        .param(run.value())
        .query(RoundStore::runRow)
        .optional();
  }

  /// Runs for which the engine may owe something.
  List<RunId> openRuns() {
    return sql
        .sql(
            """
            select run.id from run where run.state = 'RUNNING' or exists (
              select 1 from round join aggregation_session session on session.round_id = round.id
              where round.run_id = run.id and session.phase not in ('DONE', 'ABORTED'))
            order by run.submitted_at
            """)
        .query(UUID.class)
        .list()
        .stream()
        .map(RunId::new)
        .toList();
  }

  void updateRun(RunId run, RunState state, Instant now) {
    switch (state) {
      case RunState.Running(_, var committed, var abandoned) ->
          sql.sql("update run set committed_rounds = ?, abandoned_in_a_row = ? where id = ?")
              .params(committed, abandoned, run.value())
              .update();
      case RunState.Completed() -> endRun(run, "COMPLETED", null, now);
      case RunState.Abandoned(var reason) -> endRun(run, "ABANDONED", reason, now);
      case RunState.Cancelled(var account) -> endRun(run, "CANCELLED", account, now);
    }
  }

  private void endRun(RunId run, String state, @Nullable String reason, Instant now) {
    sql.sql("update run set state = :state, reason = :reason, ended_at = :now where id = :run")
        .param("state", state)
        .param("reason", reason, Types.VARCHAR)
        .param("now", at(now))
        .param("run", run.value())
        .update();
  }

  void newestModel(RunId run, Digest modelVersion) {
    sql.sql("update run set model_version = ? where id = ?")
        .params(modelVersion.bytes(), run.value())
        .update();
  }

  Digest newestModel(RunId run) {
    return Digest.ofValue(
        sql.sql("select model_version from run where id = ?")
            .param(run.value())
            .query(byte[].class)
            .single());
  }

  Optional<RoundRow> liveRound(RunId run) {
    return sql.sql(
            ROUND + " where run_id = ? and phase in ('RECRUITING', 'TRAINING', 'AGGREGATING')")
        .param(run.value())
        .query(RoundStore::roundRow)
        .optional();
  }

  Optional<RoundRow> round(RunId run, int number) {
    return sql.sql(ROUND + " where run_id = ? and number = ?")
        .params(run.value(), number)
        .query(RoundStore::roundRow)
        .optional();
  }

  RoundRow round(long id) {
    return sql.sql(ROUND + " where id = ?").param(id).query(RoundStore::roundRow).single();
  }

  /// The training round that was committed last before `number`.
  Optional<RoundRow> committedBefore(RunId run, int number) {
    return sql.sql(
            ROUND
                + " where run_id = ? and number < ? and phase = 'COMMITTED' and kind = 'TRAIN'"
                + " order by number desc limit 1")
        .params(run.value(), number)
        .query(RoundStore::roundRow)
        .optional();
  }

  int roundsOpened(RunId run) {
    return sql.sql("select coalesce(max(number), 0) from round where run_id = ?")
        .param(run.value())
        .query(Integer.class)
        .single();
  }

  /// Live rounds whose cohort has `site`.
  List<RoundRow> liveRoundsOf(SiteId site) {
    return sql.sql(
            ROUND
                + " where phase in ('RECRUITING', 'TRAINING', 'AGGREGATING') and exists (select 1 from round_site"
                + " where round_site.round_id = round.id and round_site.site_id = ?) order by id")
        .param(site.value())
        .query(RoundStore::roundRow)
        .list();
  }

  /// Ended rounds whose end `site` has not dealt with, oldest first.
  List<RoundRow> endedRoundsOf(SiteId site) {
    return sql.sql(
            ROUND
                + " where phase in ('COMMITTED', 'ABANDONED') and exists (select 1 from round_site"
                + " where round_site.round_id = round.id and round_site.site_id = ? and not end_handled) order by id")
        .param(site.value())
        .query(RoundStore::roundRow)
        .list();
  }

  void roundEndHandled(long round, SiteId site) {
    sql.sql(
            "update round_site set end_handled = true where round_id = ? and site_id = ? and not end_handled"
                + " and exists (select 1 from round where id = round_id and phase in ('COMMITTED', 'ABANDONED'))")
        .params(round, site.value())
        .update();
  }

  long insertRound(RoundPlan plan, Bytes encoded, RoundState state, Instant now) {
    var terms = plan.terms();
    var id =
        sql.sql(
                """
                insert into round (run_id, number, kind, phase, plan, plan_digest, terms_digest, opened_at, hard_deadline)
                values (:run, :number, :kind, :phase, :plan, :digest, :terms, :now, :hard) returning id
                """)
            .param("run", terms.run().value())
            .param("number", plan.round())
            .param("kind", terms.kind().name())
            .param("phase", phase(state))
            .param("plan", encoded.toByteArray())
            .param("digest", Digest.of(encoded.toByteArray()).bytes())
            .param("terms", terms.digest().bytes())
            .param("now", at(now))
            .param("hard", at(now.plus(plan.hardLimit())))
            .query(Long.class)
            .single();
    for (var entry : state.roll().sites().entrySet()) {
      sql.sql("insert into round_site (round_id, site_id, phase, changed_at) values (?, ?, ?, ?)")
          .params(id, entry.getKey().value(), entry.getValue().phase().name(), at(now))
          .update();
    }
    return id;
  }

  RoundState state(RoundRow round) {
    var sites = new TreeMap<SiteId, SiteStanding>();
    sql.sql(
            """
            select site_id, phase, permitted, stored, partial, tenths, reason, expected_at from round_site
            where round_id = ?
            """)
        .param(round.id())
        .query((row, _) ->
            sites.put(
                new SiteId(row.getString("site_id")),
                new SiteStanding(
                    SitePhase.valueOf(row.getString("phase")),
                    row.getBoolean("permitted"),
                    row.getBoolean("stored"),
                    row.getBoolean("partial"),
                    row.getInt("tenths"),
                    row.getString("reason"),
                    instant(row, "expected_at"))))
        .list();
    var roll = new Roll(round.plan().minReady(), sites);
    return switch (round.phase()) {
      case "RECRUITING" -> new RoundState.Recruiting(roll);
      case "TRAINING" -> new RoundState.Training(roll);
      case "AGGREGATING" ->
          new RoundState.Aggregating(
              roll, latestSession(round.id()).map(SessionRow::stage).orElse(SessionStage.NONE));
      case "COMMITTED" -> new RoundState.Committed(roll);
      case "ABANDONED" ->
          new RoundState.Abandoned(roll, round.reason() == null ? "" : round.reason());
      case String other ->
          throw new IllegalStateException("round " + round.id() + " has the phase " + other);
    };
  }

  static String phase(RoundState state) {
    return switch (state) {
      case RoundState.Recruiting _ -> "RECRUITING";
      case RoundState.Training _ -> "TRAINING";
      case RoundState.Aggregating _ -> "AGGREGATING";
      case RoundState.Committed _ -> "COMMITTED";
      case RoundState.Abandoned _ -> "ABANDONED";
    };
  }

  void updateSite(long round, SiteId site, SiteStanding standing, Instant now) {
    var expected = standing.expectedAt();
    sql.sql(
            """
            update round_site set phase = :phase, permitted = :permitted, stored = :stored, partial = :partial,
              tenths = :tenths, reason = :reason, expected_at = :expected, changed_at = :now
            where round_id = :round and site_id = :site
            """)
        .param("phase", standing.phase().name())
        .param("permitted", standing.permitted())
        .param("stored", standing.stored())
        .param("partial", standing.partial())
        .param("tenths", standing.tenths())
        .param("reason", standing.reason(), Types.VARCHAR)
        .param("expected", expected == null ? null : at(expected), Types.TIMESTAMP_WITH_TIMEZONE)
        .param("now", at(now))
        .param("round", round)
        .param("site", site.value())
        .update();
  }

  void maskedDigest(long round, SiteId site, Digest digest) {
    sql.sql("update round_site set digest = ? where round_id = ? and site_id = ?")
        .params(digest.bytes(), round, site.value())
        .update();
  }

  void updatePhase(long round, RoundState state, Instant now) {
    var ended = state instanceof RoundState.Committed || state instanceof RoundState.Abandoned;
    sql.sql(
            """
            update round set phase = :phase, reason = :reason, ended_at = :ended where id = :round
            """)
        .param("phase", phase(state))
        .param(
            "reason",
            state instanceof RoundState.Abandoned(_, var reason) ? reason : null,
            Types.VARCHAR)
        .param("ended", ended ? at(now) : null, Types.TIMESTAMP_WITH_TIMEZONE)
        .param("round", round)
        .update();
  }

  void silenceDeadline(long round, @Nullable Instant deadline) {
    sql.sql("update round set silence_deadline = :deadline where id = :round")
        .param("deadline", deadline == null ? null : at(deadline), Types.TIMESTAMP_WITH_TIMEZONE)
        .param("round", round)
        .update();
  }

  void result(long round, Summation.Result result) {
    var version = result.version();
    sql.sql(
            """
            update round set sum_digest = :sum, transcript_digest = :transcript, model_version = :version,
              metrics = cast(:metrics as jsonb), norms = cast(:norms as jsonb) where id = :round
            """)
        .param("sum", result.sum().bytes())
        .param("transcript", result.transcript().bytes())
        .param("version", version == null ? null : version.digest().bytes(), Types.BINARY)
        .param("metrics", result.metrics(), Types.VARCHAR)
        .param("norms", result.norms(), Types.VARCHAR)
        .param("round", round)
        .update();
  }

  Optional<Digest> modelVersion(long round) {
    return sql.sql("select model_version from round where id = ? and model_version is not null")
        .param(round)
        .query(byte[].class)
        .optional()
        .map(Digest::ofValue);
  }

  Optional<Digest> transcript(long round) {
    return sql.sql(
            "select transcript_digest from round where id = ? and transcript_digest is not null")
        .param(round)
        .query(byte[].class)
        .optional()
        .map(Digest::ofValue);
  }

  Optional<SessionRow> session(Digest id) {
    return sql.sql(SESSION + " where id = ?")
        .param(id.bytes())
        .query(RoundStore::sessionRow)
        .optional();
  }

  Optional<RunId> runOf(Digest session) {
    return sql.sql(
            """
            select round.run_id from round join aggregation_session session on session.round_id = round.id
            where session.id = ?
            """)
        .param(session.bytes())
        .query(UUID.class)
        .optional()
        .map(RunId::new);
  }

  Optional<SessionRow> latestSession(long round) {
    return sql.sql(SESSION + " where round_id = ? order by attempt desc limit 1")
        .param(round)
        .query(RoundStore::sessionRow)
        .optional();
  }

  /// Sessions of the run that have not ended, those of ended rounds among them.
  List<SessionRow> liveSessions(RunId run) {
    return sql.sql(
            SESSION
                + " where phase not in ('DONE', 'ABORTED') and round_id in (select id from round where run_id = ?)"
                + " order by round_id, attempt")
        .param(run.value())
        .query(RoundStore::sessionRow)
        .list();
  }

  /// The last session over updates of these terms.
  Optional<SessionRow> lastSessionOver(RunId run, Digest terms) {
    return sql.sql(
            SESSION
                + " where round_id in (select id from round where run_id = ? and terms_digest = ?)"
                + " order by round_id desc, attempt desc limit 1")
        .params(run.value(), terms.bytes())
        .query(RoundStore::sessionRow)
        .optional();
  }

  /// Live sessions whose roster has `site`.
  List<SessionRow> liveSessionsOf(SiteId site) {
    return sql.sql(
            SESSION
                + " where phase not in ('DONE', 'ABORTED') and exists (select 1 from session_site"
                + " where session_id = aggregation_session.id and site_id = ?) order by round_id, attempt")
        .param(site.value())
        .query(RoundStore::sessionRow)
        .list();
  }

  /// Ended sessions whose end `site` has not dealt with, oldest first.
  List<SessionRow> endedSessionsOf(SiteId site) {
    return sql.sql(
            SESSION
                + " where phase in ('DONE', 'ABORTED') and exists (select 1 from session_site"
                + " where session_id = aggregation_session.id and site_id = ? and not end_handled)"
                + " order by round_id, attempt")
        .param(site.value())
        .query(RoundStore::sessionRow)
        .list();
  }

  void sessionEndHandled(Digest session, SiteId site) {
    sql.sql(
            "update session_site set end_handled = true where session_id = ? and site_id = ? and not end_handled"
                + " and exists (select 1 from aggregation_session where id = session_id and phase in ('DONE', 'ABORTED'))")
        .params(session.bytes(), site.value())
        .update();
  }

  void sessionEndOwed(Digest session, SiteId site) {
    sql.sql("update session_site set end_handled = false where session_id = ? and site_id = ?")
        .params(session.bytes(), site.value())
        .update();
  }

  void insertSession(
      long round,
      SessionDescriptor descriptor,
      SignedView view,
      Instant now,
      Instant deadline,
      Instant hardDeadline) {
    var id = descriptor.id().bytes();
    sql.sql(
            """
            insert into aggregation_session (id, round_id, attempt, phase, descriptor, descriptor_signature, opened_at,
              deadline, hard_deadline)
            values (:id, :round, :attempt, 'ADVERTISING_KEYS', :descriptor, :signature, :now, :deadline, :hard)
            """)
        .param("id", id)
        .param("round", round)
        .param("attempt", descriptor.attempt())
        .param("descriptor", descriptor.encode())
        .param("signature", view.signature().toByteArray())
        .param("now", at(now))
        .param("deadline", at(deadline))
        .param("hard", at(hardDeadline))
        .update();
    for (var seat : descriptor.roster()) {
      sql.sql("insert into session_site (session_id, site_id) values (?, ?)")
          .params(id, seat.site().value())
          .update();
    }
  }

  void updateSession(
      Digest session,
      ServerSession.State state,
      @Nullable String reason,
      @Nullable Certificate certificate,
      Instant now) {
    var ended = state == ServerSession.State.DONE || state == ServerSession.State.ABORTED;
    var kind =
        switch (certificate) {
          case null -> null;
          case Certificate.Commit _ -> "COMMIT";
          case Certificate.Abort _ -> "ABORT";
        };
    sql.sql(
            """
            update aggregation_session set phase = :phase, reason = coalesce(:reason, reason), certificate = :certificate,
              certificate_kind = :kind, ended_at = :ended where id = :id
            """)
        .param("phase", state.name())
        .param("reason", reason, Types.VARCHAR)
        .param("certificate", certificate == null ? null : certificate.encode(), Types.BINARY)
        .param("kind", kind, Types.VARCHAR)
        .param("ended", ended ? at(now) : null, Types.TIMESTAMP_WITH_TIMEZONE)
        .param("id", session.bytes())
        .update();
  }

  void sessionDeadline(Digest session, @Nullable Instant deadline, @Nullable Instant hardDeadline) {
    sql.sql(
            "update aggregation_session set deadline = :deadline, hard_deadline = :hard where id = :id")
        .param("deadline", deadline == null ? null : at(deadline), Types.TIMESTAMP_WITH_TIMEZONE)
        .param(
            "hard", hardDeadline == null ? null : at(hardDeadline), Types.TIMESTAMP_WITH_TIMEZONE)
        .param("id", session.bytes())
        .update();
  }

  /// Bytes arrived: the deadline moves to `deadline`, never beyond the phase's hard limit.
  void uploadProgressed(Digest session, SiteId site, long bytes, Instant deadline) {
    sql.sql("update session_site set upload_bytes = ? where session_id = ? and site_id = ?")
        .params(bytes, session.bytes(), site.value())
        .update();
    sql.sql(
            """
            update aggregation_session set deadline = greatest(deadline, least(:deadline, hard_deadline))
            where id = :id and phase = 'COLLECTING'
            """)
        .param("deadline", at(deadline))
        .param("id", session.bytes())
        .update();
  }

  void answered(Digest session, SiteId site, SignedMessage.Phase phase, Instant now) {
    sql.sql(
            "update session_site set phase = ?, answered_at = ? where session_id = ? and site_id = ?")
        .params(phase.name(), at(now), session.bytes(), site.value())
        .update();
  }

  void uploaded(Digest session, SiteId site, Digest root, long bytes) {
    sql.sql(
            "update session_site set upload_digest = ?, upload_bytes = ? where session_id = ? and site_id = ?")
        .params(root.bytes(), bytes, session.bytes(), site.value())
        .update();
  }

  /// Chunk root of the site's complete vector; empty while it is on its way.
  Optional<Digest> uploadRoot(Digest session, SiteId site) {
    return sql.sql(
            """
            select upload_digest from session_site
            where session_id = ? and site_id = ? and upload_digest is not null
            """)
        .params(session.bytes(), site.value())
        .query(byte[].class)
        .optional()
        .map(Digest::ofValue);
  }

  int events(Digest session) {
    return sql.sql("select count(*) from session_message where session_id = ?")
        .param(session.bytes())
        .query(Integer.class)
        .single();
  }

  void append(Digest session, int sequence, SessionEvent event, Instant now) {
    var stored = StoredEvent.of(event);
    var body = stored.body();
    var signature = stored.signature();
    sql.sql(
            """
            insert into session_message (session_id, sequence, kind, site_id, phase, body, signature, at)
            values (:session, :sequence, :kind, :site, :phase, :body, :signature, :at)
            """)
        .param("session", session.bytes())
        .param("sequence", sequence)
        .param("kind", stored.kind())
        .param("site", stored.site(), Types.VARCHAR)
        .param("phase", stored.phase(), Types.VARCHAR)
        .param("body", body == null ? null : body.toByteArray(), Types.BINARY)
        .param("signature", signature == null ? null : signature.toByteArray(), Types.BINARY)
        .param("at", at(now))
        .update();
  }

  List<SessionEvent> storedEvents(Digest session) {
    return sql.sql(
            """
            select kind, site_id, phase, body, signature from session_message where session_id = ? order by sequence
            """)
        .param(session.bytes())
        .query((row, _) ->
            new StoredEvent(
                    row.getString("kind"),
                    row.getString("site_id"),
                    row.getString("phase"),
                    bytes(row.getBytes("body")),
                    bytes(row.getBytes("signature")))
                .event(session))
        .list();
  }

  /// Sites that may have sent a masked vector to a session of the run whose end is not proven.
  List<SiteId> sitesInDoubt(RunId run) {
    return sql
        .sql(
            """
            select distinct session_site.site_id from session_site
              join aggregation_session session on session.id = session_site.session_id
              join round on round.id = session.round_id
            where round.run_id = ? and session.phase in ('COLLECTING', 'VOTING', 'ABORTING')
              and round.phase in ('COMMITTED', 'ABANDONED')
            """)
        .param(run.value())
        .query(String.class)
        .list()
        .stream()
        .map(SiteId::new)
        .toList();
  }

  /// Digests of plans, sums, transcripts and model versions of every run that `site` was invited
  /// to.
  boolean entitled(SiteId site, Digest digest) {
    return sql.sql(
            """
            select exists (
              select 1 from round
              where :digest in (plan_digest, sum_digest, transcript_digest, model_version)
                and run_id in (select r.run_id from round r join round_site on round_site.round_id = r.id
                  where round_site.site_id = :site))
            """)
        .param("digest", digest.bytes())
        .param("site", site.value())
        .query(Boolean.class)
        .single();
  }

  List<RunId> runsOf(SiteId site) {
    return sql
        .sql(
            """
            select distinct round.run_id from round join round_site on round_site.round_id = round.id
            where round_site.site_id = ?
            """)
        .param(site.value())
        .query(UUID.class)
        .list()
        .stream()
        .map(RunId::new)
        .toList();
  }

  Optional<byte[]> planBytes(Digest plan) {
    return sql.sql("select plan from round where plan_digest = ?")
        .param(plan.bytes())
        .query(byte[].class)
        .optional();
  }

  /// Certificates of the sessions whose roster has `site`.
  List<byte[]> certificatesOf(SiteId site) {
    return sql.sql(
            """
            select certificate from aggregation_session join session_site on session_id = id
            where site_id = ? and certificate is not null order by opened_at desc limit 200
            """)
        .param(site.value())
        .query(byte[].class)
        .list();
  }

  Optional<KnownSite> site(SiteId site) {
    return sql.sql("select message_key, state from site where site_id = ?")
        .param(site.value())
        .query((row, _) ->
            new KnownSite(Bytes.of(row.getBytes("message_key")), row.getString("state")))
        .optional();
  }

  record KnownSite(Bytes messageKey, String state) {}

  void greeted(SiteId site, String agentVersion, Instant now) {
    sql.sql("update site set agent_version = ?, seen_at = ? where site_id = ?")
        .params(agentVersion, at(now), site.value())
        .update();
  }

  void seen(SiteId site, Instant now) {
    sql.sql("update site set seen_at = ? where site_id = ?").params(at(now), site.value()).update();
  }

  Optional<Instant> seenAt(SiteId site) {
    return sql.sql("select seen_at from site where site_id = ? and seen_at is not null")
        .param(site.value())
        .query(OffsetDateTime.class)
        .optional()
        .map(OffsetDateTime::toInstant);
  }

  List<SiteId> notActive(Collection<SiteId> sites) {
    return sites.stream()
        .filter(site -> site(site).filter(known -> known.state().equals("ACTIVE")).isEmpty())
        .toList();
  }

  private static RunRow runRow(ResultSet row, int index) throws SQLException {
    var state =
        RunState.stored(
            row.getString("state"),
            row.getString("reason"),
            row.getInt("rounds_planned"),
            row.getInt("committed_rounds"),
            row.getInt("abandoned_in_a_row"));
    return new RunRow(
        new RunId(row.getObject("id", UUID.class)),
        row.getString("name"),
        state,
        PlanCodec.decodePlan(row.getBytes("template")),
        Digest.ofValue(row.getBytes("model_version")));
  }

  private static RoundRow roundRow(ResultSet row, int index) throws SQLException {
    var sum = row.getBytes("sum_digest");
    return new RoundRow(
        row.getLong("id"),
        new RunId(row.getObject("run_id", UUID.class)),
        row.getInt("number"),
        row.getString("phase"),
        row.getString("reason"),
        PlanCodec.decodePlan(row.getBytes("plan")),
        Digest.ofValue(row.getBytes("plan_digest")),
        instant(row, "silence_deadline"),
        row.getObject("hard_deadline", OffsetDateTime.class).toInstant(),
        sum == null ? null : Digest.ofValue(sum));
  }

  private static SessionRow sessionRow(ResultSet row, int index) throws SQLException {
    var certificate = row.getBytes("certificate");
    return new SessionRow(
        Digest.ofValue(row.getBytes("id")),
        row.getLong("round_id"),
        row.getInt("attempt"),
        ServerSession.State.valueOf(row.getString("phase")),
        SessionDescriptor.decode(row.getBytes("descriptor")),
        instant(row, "deadline"),
        instant(row, "hard_deadline"),
        certificate == null ? null : Digest.of(certificate));
  }

  private static @Nullable Instant instant(ResultSet row, String column) throws SQLException {
    var value = row.getObject(column, OffsetDateTime.class);
    return value == null ? null : value.toInstant();
  }

  private static @Nullable Bytes bytes(byte @Nullable [] value) {
    return value == null ? null : Bytes.of(value);
  }

  private static OffsetDateTime at(Instant instant) {
    return instant.atOffset(ZoneOffset.UTC);
  }
}
