package dev.comity.run.postgres;

import dev.comity.codec.Bytes;
import dev.comity.membership.MessagePublicKey;
import dev.comity.plan.Digest;
import dev.comity.plan.PlanCodec;
import dev.comity.plan.Quorum;
import dev.comity.plan.RoundPlan;
import dev.comity.plan.RunId;
import dev.comity.run.RunHealth;
import dev.comity.run.RunReports;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.UUID;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;
import org.springframework.transaction.annotation.Transactional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Reports straight from the tables; each method reads one snapshot of them.
@Component
@Transactional(readOnly = true)
class PostgresRunReports implements RunReports {
  private static final int ABANDONED_LIMIT = 3;
  private static final Duration CERTIFICATE_WARNING = Duration.ofDays(30);
  private static final List<String> LIVE = List.of("RECRUITING", "TRAINING", "AGGREGATING");

  private final JdbcClient database;
  private final JsonMapper json;
  private final Clock clock;

  PostgresRunReports(JdbcClient database, JsonMapper json, Clock clock) {
    this.database = database;
    this.json = json;
    this.clock = clock;
  }

  /// A row of `run`.
  private record RunRow(
      UUID id,
      String name,
      String study,
      String purpose,
      String kind,
      String state,
      @Nullable String reason,
      String submittedBy,
      Instant submittedAt,
      @Nullable Instant endedAt,
      int planned,
      int committed,
      int abandonedInARow,
      long revision,
      JsonNode submission) {}

  /// A row of `round` with what hangs on it.
  private record RoundRow(
      long id,
      int number,
      String kind,
      String phase,
      @Nullable String reason,
      Bytes plan,
      Instant openedAt,
      @Nullable Instant silenceDeadline,
      Instant hardDeadline,
      @Nullable Instant endedAt,
      @Nullable String sum,
      @Nullable String transcript,
      @Nullable JsonNode metrics,
      @Nullable JsonNode norms,
      int sessions,
      int roster) {
    boolean live() {
      return LIVE.contains(phase);
    }

    boolean evaluates() {
      return !kind.equals("TRAIN");
    }
  }

  private record SiteRow(
      long round,
      String site,
      String phase,
      boolean partial,
      int tenths,
      @Nullable String reason,
      @Nullable Instant expectedAt,
      Instant changedAt) {}

  @Override
  public List<RunSummary> runs() {
    return database
        .sql(RUN + " order by run.submitted_at desc, run.id")
        .query(this::runRow)
        .list()
        .stream()
        .map(this::summary)
        .toList();
  }

  private RunSummary summary(RunRow run) {
    var rounds = roundRows(run.id());
    var sites = siteRows(run.id());
    return new RunSummary(
        run.id().toString(),
        run.name(),
        run.study(),
        run.kind(),
        run.state(),
        run.reason(),
        run.submittedBy(),
        run.submittedAt(),
        run.endedAt(),
        architecture(run.submission()),
        text(run.submission().path("algorithm").path("name")),
        counts(run, rounds),
        siteCounts(shown(rounds), sites),
        newest(rounds),
        best(rounds));
  }

  @Override
  public Optional<Found> find(String idOrName) {
    return database
        .sql("select id, revision from run where id::text = :wanted or name = :wanted")
        .param("wanted", idOrName)
        .query((row, _) ->
            new Found(new RunId(row.getObject("id", UUID.class)), row.getLong("revision")))
        .optional();
  }

  @Override
  public Optional<RunReport> run(RunId run) {
    return database
        .sql(RUN + " where run.id = :id")
        .param("id", run.value())
        .query(this::runRow)
        .optional()
        .map(this::report);
  }

  private RunReport report(RunRow run) {
    var rounds = roundRows(run.id());
    var sites = siteRows(run.id());
    var live = rounds.stream().filter(RoundRow::live).findFirst();
    var standing = live.map(round -> sites.getOrDefault(round.id(), List.of())).orElse(List.of());
    return new RunReport(
        run.id().toString(),
        run.name(),
        run.study(),
        run.purpose(),
        run.kind(),
        run.state(),
        run.reason(),
        run.submittedBy(),
        run.submittedAt(),
        run.endedAt(),
        health(run, live, standing),
        counts(run, rounds),
        eta(run, rounds),
        newest(rounds),
        best(rounds),
        null,
        null,
        siteCounts(shown(rounds), sites),
        waiting(standing),
        attention(run, rounds, standing),
        assumptions(rounds),
        model(run),
        json.treeToValue(run.submission(), Object.class),
        run.revision());
  }

  private static RunHealth health(RunRow run, Optional<RoundRow> live, List<SiteRow> standing) {
    return RunHealth.of(
        new RunHealth.Facts(
            run.state(),
            run.reason(),
            run.submittedAt(),
            run.endedAt(),
            run.planned(),
            run.committed(),
            run.abandonedInARow(),
            live.map(round ->
                    new RunHealth.Live(
                        round.number(),
                        round.evaluates(),
                        round.phase(),
                        round.openedAt(),
                        plan(round).minReady(),
                        standing.stream()
                            .map(site ->
                                new RunHealth.Standing(site.site(), site.phase(), site.reason()))
                            .toList()))
                .orElse(null)));
  }

  private static RoundCounts counts(RunRow run, List<RoundRow> rounds) {
    return new RoundCounts(
        run.planned(),
        run.committed(),
        rounds.stream().filter(RoundRow::live).map(RoundRow::number).findFirst().orElse(null),
        rounds.stream()
            .filter(round -> round.phase().equals("ABANDONED"))
            .map(RoundRow::number)
            .toList());
  }

  /// From the shortest and the longest of the committed rounds, one more for the evaluation if
  /// there is one.
  private @Nullable Eta eta(RunRow run, List<RoundRow> rounds) {
    if (!run.state().equals("RUNNING")) {
      return null;
    }
    var durations =
        rounds.stream()
            .filter(round -> round.phase().equals("COMMITTED") && round.endedAt() != null)
            .map(round -> Duration.between(round.openedAt(), round.endedAt()))
            .sorted()
            .toList();
    if (durations.isEmpty()) {
      return new Eta(null, null, "no round is committed yet");
    }
    var begun =
        rounds.stream()
            .filter(RoundRow::live)
            .map(RoundRow::openedAt)
            .findFirst()
            .orElse(clock.instant());
    long left = run.planned() - run.committed() + (isPrivate(run) ? 0L : 1L);
    var from = begun.plus(durations.getFirst().multipliedBy(left));
    var to = begun.plus(durations.getLast().multipliedBy(left));
    var now = clock.instant();
    return new Eta(
        later(from, now),
        later(to, now),
        "%d rounds left, between %s and %s each so far"
            .formatted(left, spoken(durations.getFirst()), spoken(durations.getLast())));
  }

  private static boolean isPrivate(RunRow run) {
    var kind = text(run.submission().path("privacy").path("kind"));
    return kind != null && !kind.equals("none");
  }

  private static Instant later(Instant left, Instant right) {
    return left.isAfter(right) ? left : right;
  }

  private static String spoken(Duration duration) {
    if (duration.toHours() >= 1) {
      return "%d h %02d min".formatted(duration.toHours(), duration.toMinutesPart());
    }
    return duration.toMinutes() >= 1
        ? "%d min %02d s".formatted(duration.toMinutes(), duration.toSecondsPart())
        : "%.1f s".formatted(duration.toMillis() / 1000.0);
  }

  private static Optional<RoundRow> shown(List<RoundRow> rounds) {
    return rounds.isEmpty() ? Optional.empty() : Optional.of(rounds.getLast());
  }

  private static Map<String, Integer> siteCounts(
      Optional<RoundRow> round, Map<Long, List<SiteRow>> sites) {
    Map<String, Integer> counts = new TreeMap<>();
    round.ifPresent(shown ->
        sites
            .getOrDefault(shown.id(), List.of())
            .forEach(site -> counts.merge(site.phase(), 1, Integer::sum)));
    return counts;
  }

  private static List<Waiting> waiting(List<SiteRow> standing) {
    return standing.stream()
        .filter(site ->
            List.of("INVITED", "TRAINING", "PAUSED", "LOST", "IN_DOUBT").contains(site.phase()))
        .map(site ->
            new Waiting(
                site.site(), site.phase(), site.reason(), site.expectedAt(), site.changedAt()))
        .toList();
  }

  private List<Attention> attention(RunRow run, List<RoundRow> rounds, List<SiteRow> standing) {
    List<Attention> found = new ArrayList<>();
    for (var site : standing) {
      switch (site.phase()) {
        case "REFUSED" ->
            found.add(
                new Attention(
                    site.site(),
                    "refused this round",
                    site.reason(),
                    "Ask the site, or submit terms that its policy permits."));
        case "LOST" ->
            found.add(
                new Attention(
                    site.site(),
                    "has been silent since " + site.changedAt(),
                    site.reason(),
                    "It returns by itself on its next call; if it does not, call the site."));
        case "IN_DOUBT" ->
            found.add(
                new Attention(
                    site.site(),
                    "holds an update that an unfinished session may have used",
                    site.reason(),
                    "It waits for that session's certificate and stays out until then."));
        default -> {}
      }
    }
    if (run.state().equals("RUNNING") && run.abandonedInARow() > 0) {
      rounds.stream()
          .filter(round -> round.phase().equals("ABANDONED"))
          .reduce((_, last) -> last)
          .ifPresent(round ->
              found.add(
                  new Attention(
                      null,
                      "round %d was abandoned, %d in a row; %d end the run"
                          .formatted(round.number(), run.abandonedInARow(), ABANDONED_LIMIT),
                      round.reason(),
                      "See why the sites were not ready; nothing that is committed is lost.")));
    }
    found.addAll(expiring(run));
    return found;
  }

  private List<Attention> expiring(RunRow run) {
    if (!run.state().equals("RUNNING")) {
      return List.of();
    }
    return database
        .sql(
            """
            select site_id, certificate_not_after from site
            where state = 'ACTIVE' and certificate_not_after < :limit
            order by site_id
            """)
        .param("limit", Timestamp.from(clock.instant().plus(CERTIFICATE_WARNING)))
        .query((row, _) ->
            new Attention(
                row.getString("site_id"),
                "its certificate ends on " + instant(row, "certificate_not_after").orElseThrow(),
                null,
                "The agent renews it by itself when it is online."))
        .list();
  }

  private static @Nullable Assumptions assumptions(List<RoundRow> rounds) {
    return shown(rounds)
        .map(PostgresRunReports::plan)
        .map(plan -> {
          var quorum = new Quorum(plan.minReady(), plan.nC(), plan.minHonest());
          return new Assumptions(
              plan.cohort().size(),
              plan.minReady(),
              plan.nC(),
              quorum.threshold(),
              quorum.minSurvivors(),
              plan.minHonest(),
              plan.terms().clipNorm(),
              null,
              plan.terms().encoding().bits(),
              plan.terms().encoding().nMax(),
              plan.terms().maxExamples());
        })
        .orElse(null);
  }

  private @Nullable ModelName model(RunRow run) {
    return database
        .sql(
            """
            select version, digest from registry.model_version
            where run_id = :run order by version desc limit 1
            """)
        .param("run", run.id())
        .query((row, _) ->
            new ModelName(run.name(), row.getInt("version"), hex(row.getBytes("digest"))))
        .optional()
        .orElse(null);
  }

  @Override
  public List<RoundSummary> rounds(RunId run) {
    var sites = siteRows(run.value());
    return roundRows(run.value()).stream()
        .map(round -> summary(round, sites.getOrDefault(round.id(), List.of())))
        .toList();
  }

  private RoundSummary summary(RoundRow round, List<SiteRow> sites) {
    Map<String, String> states = new LinkedHashMap<>();
    sites.forEach(site -> states.put(site.site(), site.phase()));
    return new RoundSummary(
        round.number(),
        round.kind(),
        round.phase(),
        round.reason(),
        round.openedAt(),
        round.endedAt(),
        round.sessions(),
        round.roster(),
        (int) sites.stream().filter(site -> site.phase().equals("SUMMED")).count(),
        metric(round),
        round.norms() == null ? null : json.treeToValue(round.norms(), Object.class),
        null,
        null,
        states,
        sites.stream().filter(SiteRow::partial).map(SiteRow::site).toList());
  }

  @Override
  public Optional<RoundReport> round(RunId run, int number) {
    return roundRows(run.value()).stream()
        .filter(round -> round.number() == number)
        .findFirst()
        .map(round -> report(run, round));
  }

  private RoundReport report(RunId run, RoundRow round) {
    var sites = siteRows(run.value()).getOrDefault(round.id(), List.of());
    var transitions = transitions(run, round);
    var plan = plan(round);
    return new RoundReport(
        summary(round, sites),
        plan.digest().hex(),
        plan.minReady(),
        round.silenceDeadline(),
        round.hardDeadline(),
        round.sum(),
        round.transcript(),
        transitions,
        sites.stream().map(site -> lane(site, round, transitions)).toList(),
        sessions("where round.id = :key order by attempt", round.id()));
  }

  private List<Transition> transitions(RunId run, RoundRow round) {
    return database
        .sql(
            """
            select revision, at, kind, site_id, event, from_state, to_state, sentence from journal
            where run_id = :run and round_id = :round order by revision
            """)
        .param("run", run.value())
        .param("round", round.id())
        .query((row, _) ->
            new Transition(
                row.getLong("revision"),
                row.getTimestamp("at").toInstant(),
                row.getString("kind"),
                row.getString("site_id"),
                row.getString("event"),
                row.getString("from_state"),
                row.getString("to_state"),
                row.getString("sentence")))
        .list();
  }

  private static Lane lane(SiteRow site, RoundRow round, List<Transition> transitions) {
    var own =
        transitions.stream()
            .filter(line -> site.site().equals(line.site()) && line.to() != null)
            .toList();
    List<Segment> segments = new ArrayList<>();
    String state = "INVITED";
    Instant since = round.openedAt();
    String reason = null;
    Instant readyAt = null;
    for (var line : own) {
      var next = String.valueOf(line.to());
      if (next.equals(state)) {
        continue;
      }
      segments.add(new Segment(state, since, line.at(), reason));
      state = next;
      since = line.at();
      reason = state.equals("PAUSED") || state.equals("REFUSED") ? line.sentence() : null;
      if (state.equals("READY")) {
        readyAt = line.at();
      }
    }
    segments.add(new Segment(state, since, round.endedAt(), reason));
    return new Lane(
        site.site(),
        site.phase(),
        site.partial(),
        site.tenths(),
        site.reason(),
        readyAt,
        site.expectedAt(),
        segments);
  }

  @Override
  public Optional<SessionReport> session(Digest session) {
    return sessions("where aggregation_session.id = :key", session.bytes()).stream().findFirst();
  }

  /// What the answers of a session say about it.
  private record Message(String site, String phase, Instant at) {}

  private List<SessionReport> sessions(String condition, Object key) {
    return database
        .sql(
            """
            select aggregation_session.*, round.number, round.plan, round.phase as round_phase,
                   run.name as run_name
            from aggregation_session
            join round on round.id = aggregation_session.round_id
            join run on run.id = round.run_id
            """
                + condition)
        .param("key", key)
        .query((row, _) -> session(row))
        .list();
  }

  private SessionReport session(ResultSet row) throws SQLException {
    var id = row.getBytes("id");
    var plan = PlanCodec.decodePlan(row.getBytes("plan"));
    var roster = roster(id, plan);
    var messages = messages(id);
    var quorum = new Quorum(Math.max(1, roster.size()), plan.nC(), plan.minHonest());
    var ended = instant(row, "ended_at");
    var kind = row.getString("certificate_kind");
    return new SessionReport(
        hex(id),
        row.getString("run_name"),
        row.getInt("number"),
        row.getInt("attempt"),
        row.getString("phase"),
        row.getString("reason"),
        row.getTimestamp("opened_at").toInstant(),
        ended.orElse(null),
        instant(row, "deadline").orElse(null),
        roster.size(),
        quorum.threshold(),
        quorum.minSurvivors(),
        ended.isEmpty() ? null : row.getString("phase"),
        kind == null
            ? null
            : new Certificate(
                kind,
                (int) messages.stream().filter(message -> message.phase().equals("VOTE")).count()),
        phases(id, row.getTimestamp("opened_at").toInstant(), ended.orElse(null)),
        deliveries(messages, roster),
        recovered(messages, roster, kind));
  }

  /// Fraction of the masked vector that arrived, by site.
  private Map<String, Double> roster(byte[] session, RoundPlan plan) {
    double bytes = plan.terms().vector().length() * plan.terms().encoding().bits() / 8.0;
    Map<String, Double> sites = new TreeMap<>();
    database
        .sql(
            """
            select site_id, upload_bytes, upload_digest is not null as complete
            from session_site where session_id = :session
            """)
        .param("session", session)
        .query(row -> {
          sites.put(
              row.getString("site_id"),
              row.getBoolean("complete") ? 1.0 : Math.min(1, row.getLong("upload_bytes") / bytes));
        });
    return sites;
  }

  private List<Message> messages(byte[] session) {
    return database
        .sql(
            """
            select site_id, coalesce(phase, 'MASKED_INPUT') as phase, at from session_message
            where session_id = :session
              and (kind = 'MASKED_INPUT_STORED' or kind = 'MESSAGE' and phase <> 'MASKED_INPUT')
            order by sequence
            """)
        .param("session", session)
        .query((row, _) ->
            new Message(
                row.getString("site_id"),
                row.getString("phase"),
                row.getTimestamp("at").toInstant()))
        .list();
  }

  private List<PhaseSpan> phases(byte[] session, Instant opened, @Nullable Instant ended) {
    List<PhaseSpan> spans = new ArrayList<>();
    var moves =
        database
            .sql(
                """
                select at, to_state from journal
                where session_id = :session and kind = 'SESSION' and to_state is not null
                  and from_state is distinct from to_state
                order by revision
                """)
            .param("session", session)
            .query((row, _) ->
                Map.entry(row.getString("to_state"), row.getTimestamp("at").toInstant()))
            .list();
    var phase = "ADVERTISING_KEYS";
    var since = opened;
    for (var move : moves) {
      if (!move.getKey().equals(phase)) {
        spans.add(new PhaseSpan(phase, since, move.getValue()));
        phase = move.getKey();
        since = move.getValue();
      }
    }
    if (ended == null) {
      spans.add(new PhaseSpan(phase, since, null));
    }
    return spans;
  }

  private static List<Delivery> deliveries(List<Message> messages, Map<String, Double> roster) {
    return messages.stream()
        .map(message ->
            new Delivery(
                message.site(),
                message.phase(),
                message.at(),
                message.phase().equals("MASKED_INPUT") ? roster.get(message.site()) : null))
        .toList();
  }

  private static List<Recovered> recovered(
      List<Message> messages, Map<String, Double> roster, @Nullable String certificate) {
    if (!"COMMIT".equals(certificate)) {
      return List.of();
    }
    int shares =
        (int) messages.stream().filter(message -> message.phase().equals("UNMASK")).count();
    return roster.entrySet().stream()
        .filter(site -> site.getValue() < 1)
        .map(site -> new Recovered(site.getKey(), shares))
        .toList();
  }

  @Override
  public List<SiteReport> sites() {
    var now =
        database
            .sql(
                """
                select round_site.*, round.number, run.id as run_id, run.name as run_name
                from round_site
                join round on round.id = round_site.round_id
                join run on run.id = round.run_id
                where round.phase in ('RECRUITING', 'TRAINING', 'AGGREGATING')
                order by run.submitted_at, run.id
                """)
            .query((row, _) ->
                Map.entry(
                    row.getString("site_id"),
                    new SiteNow(
                        row.getString("run_id"),
                        row.getString("run_name"),
                        row.getInt("number"),
                        row.getString("phase"),
                        row.getString("reason"),
                        instant(row, "expected_at").orElse(null),
                        row.getTimestamp("changed_at").toInstant(),
                        row.getInt("tenths"))))
            .list()
            .stream()
            .collect(
                Collectors.groupingBy(
                    Map.Entry::getKey,
                    Collectors.mapping(Map.Entry::getValue, Collectors.toList())));
    return database
        .sql("select * from site order by site_id")
        .query((row, _) ->
            new SiteReport(
                row.getString("site_id"),
                row.getString("state"),
                MessagePublicKey.of(row.getBytes("message_key")).displayFingerprint(),
                row.getTimestamp("enrolled_at").toInstant(),
                row.getString("agent_version"),
                instant(row, "seen_at").orElse(null),
                new SiteCertificate(row.getTimestamp("certificate_not_after").toInstant()),
                now.getOrDefault(row.getString("site_id"), List.of()),
                null,
                null,
                null,
                null))
        .list();
  }

  private static final String RUN =
      "select run.*, study.purpose from run join study on study.name = run.study";

  private RunRow runRow(ResultSet row, int number) throws SQLException {
    var submission = json.readTree(row.getString("submission"));
    var ownPurpose = text(submission.path("purpose"));
    return new RunRow(
        row.getObject("id", UUID.class),
        row.getString("name"),
        row.getString("study"),
        ownPurpose == null ? row.getString("purpose") : ownPurpose,
        row.getString("kind"),
        row.getString("state"),
        row.getString("reason"),
        row.getString("submitted_by"),
        row.getTimestamp("submitted_at").toInstant(),
        instant(row, "ended_at").orElse(null),
        row.getInt("rounds_planned"),
        row.getInt("committed_rounds"),
        row.getInt("abandoned_in_a_row"),
        row.getLong("revision"),
        submission);
  }

  private List<RoundRow> roundRows(UUID run) {
    return database
        .sql(
            """
            select round.*,
                   (select count(*) from aggregation_session where round_id = round.id) as sessions,
                   (select count(*) from session_site
                    join aggregation_session newest on newest.id = session_site.session_id
                    where newest.round_id = round.id
                      and newest.attempt = (select max(attempt) from aggregation_session
                                            where round_id = round.id)) as roster
            from round where run_id = :run order by number
            """)
        .param("run", run)
        .query((row, _) ->
            new RoundRow(
                row.getLong("id"),
                row.getInt("number"),
                row.getString("kind"),
                row.getString("phase"),
                row.getString("reason"),
                Bytes.of(row.getBytes("plan")),
                row.getTimestamp("opened_at").toInstant(),
                instant(row, "silence_deadline").orElse(null),
                row.getTimestamp("hard_deadline").toInstant(),
                instant(row, "ended_at").orElse(null),
                hexOrNull(row.getBytes("sum_digest")),
                hexOrNull(row.getBytes("transcript_digest")),
                tree(row.getString("metrics")),
                tree(row.getString("norms")),
                row.getInt("sessions"),
                row.getInt("roster")))
        .list();
  }

  private Map<Long, List<SiteRow>> siteRows(UUID run) {
    return database
        .sql(
            """
            select round_site.* from round_site join round on round.id = round_site.round_id
            where round.run_id = :run order by round_site.site_id
            """)
        .param("run", run)
        .query((row, _) ->
            new SiteRow(
                row.getLong("round_id"),
                row.getString("site_id"),
                row.getString("phase"),
                row.getBoolean("partial"),
                row.getInt("tenths"),
                row.getString("reason"),
                instant(row, "expected_at").orElse(null),
                row.getTimestamp("changed_at").toInstant()))
        .list()
        .stream()
        .collect(Collectors.groupingBy(SiteRow::round));
  }

  private static RoundPlan plan(RoundRow round) {
    return PlanCodec.decodePlan(round.plan().toByteArray());
  }

  private static @Nullable Metric metric(RoundRow round) {
    var metrics = round.metrics();
    return metrics == null
        ? null
        : new Metric(
            round.number(),
            number(metrics.path("loss")),
            number(metrics.path("accuracy")),
            number(metrics.path("auroc")));
  }

  private static @Nullable Metric newest(List<RoundRow> rounds) {
    return rounds.reversed().stream()
        .map(PostgresRunReports::metric)
        .filter(metric -> metric != null)
        .findFirst()
        .orElse(null);
  }

  private static @Nullable Metric best(List<RoundRow> rounds) {
    return rounds.stream()
        .map(PostgresRunReports::metric)
        .filter(metric -> metric != null && metric.accuracy() != null)
        .max(Comparator.comparing(Metric::accuracy))
        .orElse(null);
  }

  private static @Nullable String architecture(JsonNode submission) {
    var family = text(submission.path("architecture").path("family"));
    if (family == null) {
      return null;
    }
    List<String> widths = new ArrayList<>();
    submission.path("architecture").path("widths").forEach(width -> widths.add(width.asString()));
    return family + "(" + String.join(",", widths) + ")";
  }

  private @Nullable JsonNode tree(@Nullable String text) {
    return text == null ? null : json.readTree(text);
  }

  private static @Nullable Double number(JsonNode node) {
    return node.isNumber() ? node.doubleValue() : null;
  }

  private static @Nullable String text(JsonNode node) {
    return node.isString() ? node.stringValue() : null;
  }

  private static Optional<Instant> instant(ResultSet row, String column) throws SQLException {
    return Optional.ofNullable(row.getTimestamp(column)).map(Timestamp::toInstant);
  }

  private static String hex(byte[] bytes) {
    return HexFormat.of().formatHex(bytes);
  }

  private static @Nullable String hexOrNull(byte @Nullable [] bytes) {
    return bytes == null ? null : hex(bytes);
  }
}
