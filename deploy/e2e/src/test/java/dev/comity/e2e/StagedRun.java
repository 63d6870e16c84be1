package dev.comity.e2e;

import dev.comity.algorithm.LocalObjective;
import dev.comity.algorithm.ServerStep;
import dev.comity.algorithm.Weighting;
import dev.comity.membership.ArchitecturePattern;
import dev.comity.membership.MembershipEpoch;
import dev.comity.membership.MessageKey;
import dev.comity.membership.MessagePublicKey;
import dev.comity.membership.SignedMembership;
import dev.comity.plan.Architecture;
import dev.comity.plan.Digest;
import dev.comity.plan.Encoding;
import dev.comity.plan.FederationId;
import dev.comity.plan.LocalTraining;
import dev.comity.plan.LocalWork;
import dev.comity.plan.Loss;
import dev.comity.plan.ModelVersion;
import dev.comity.plan.Noise;
import dev.comity.plan.ParameterLayout;
import dev.comity.plan.PlanCodec;
import dev.comity.plan.RoundPlan;
import dev.comity.plan.RunId;
import dev.comity.plan.RunKind;
import dev.comity.plan.SiteId;
import dev.comity.plan.UpdateTerms;
import dev.comity.plan.VectorLayout;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.UUID;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;

/// A run of many hours, written into the aggregator's database as its engine would have left it,
/// and led on row by row: what a browser shows of pauses, losses, retried and abandoned rounds
/// would otherwise take a day to see. Every change writes its journal line and notifies as the
/// journal does.
final class StagedRun {
  static final String PAUSE = "no power";
  static final String REFUSAL = "the architecture is not in its policy";

  private static final FederationId FEDERATION = new FederationId("north");
  private static final Architecture ARCHITECTURE =
      new Architecture("logistic-regression", List.of(13, 1));
  private static final int PLANNED = 12;
  private static final Duration ROUND = Duration.ofMinutes(47);
  private static final List<String> PHASES =
      List.of("ADVERTISING_KEYS", "SHARING_KEYS", "COLLECTING", "VOTING", "UNMASKING");
  private static final List<String> MESSAGES =
      List.of("ADVERTISE_KEYS", "SHARE_KEYS", "MASKED_INPUT", "VOTE", "UNMASK");
  private static final List<Duration> LENGTHS =
      List.of(
          Duration.ofMillis(4200),
          Duration.ofMillis(7900),
          Duration.ofSeconds(150),
          Duration.ofMillis(3100),
          Duration.ofMillis(6200));

  /// How each site fared: s in the sum, p in it with part of the work, d dropped, l late, L lost, r
  /// refused, u ready and not used, - not a member; then what it does in the live round.
  private static final Map<String, String> FATES =
      new TreeMap<>(
          Map.of(
              "accra",
              "sspuspss",
              "beirut",
              "ssslssss",
              "dhaka",
              "rrsussss",
              "hanoi",
              "sssussss",
              "lusaka",
              "spdLsdss",
              "maputo",
              "sssLsssL",
              "quito",
              "--susspss"));

  private static final Map<String, String> NOW =
      Map.of(
          "accra",
          "TRAINING",
          "beirut",
          "READY",
          "dhaka",
          "REFUSED",
          "hanoi",
          "READY",
          "lusaka",
          "PAUSED",
          "maputo",
          "LOST",
          "quito",
          "INVITED");

  private static final double[] ACCURACY = {.512, .641, .702, Double.NaN, .744, .771, .768, .803};
  private static final double[] LOSS = {.691, .612, .561, Double.NaN, .522, .497, .489, .461};

  private final JdbcClient sql;
  private final String name;
  private final UUID run;
  private final Instant begun;
  private final Instant now;
  private final Noise noise;
  private int committed;

  StagedRun(DataSource database, String name, Instant now) {
    this(database, name, now, new Noise.None());
  }

  /// With record-level differential privacy: no round has metrics.
  static StagedRun ofRecords(DataSource database, String name, Instant now) {
    return new StagedRun(database, name, now, new Noise.RecordLevel(1.1, 0.5, 1e-5));
  }

  private StagedRun(DataSource database, String name, Instant now, Noise noise) {
    this.sql = JdbcClient.create(database);
    this.name = name;
    this.run = UUID.nameUUIDFromBytes(name.getBytes(StandardCharsets.UTF_8));
    this.now = now;
    this.noise = noise;
    this.begun = now.minus(ROUND.multipliedBy(8)).minus(Duration.ofMinutes(31));
  }

  void stage() {
    run();
    for (int number = 1; number <= 8; number++) {
      past(number);
    }
    openRound(9, now.minus(Duration.ofMinutes(31)));
    NOW.forEach((site, state) -> stand(9, site, state));
    revise();
  }

  /// The sites, admitted by a membership of `consortium`: without one the aggregator serves
  /// enrolments only.
  static void admit(DataSource database, MessageKey consortium, Instant now) {
    var sql = JdbcClient.create(database);
    Map<String, MessagePublicKey> keys = new TreeMap<>();
    FATES.keySet().forEach(site -> keys.put(site, MessageKey.generate().publicKey()));
    var issued = now.truncatedTo(ChronoUnit.MILLIS);
    var signed =
        SignedMembership.sign(
            new MembershipEpoch(
                FEDERATION,
                1,
                issued,
                issued.plus(Duration.ofDays(30)),
                MessageKey.generate().publicKey(),
                keys.entrySet().stream()
                    .map(site ->
                        new MembershipEpoch.Member(new SiteId(site.getKey()), site.getValue()))
                    .toList(),
                List.of(),
                0,
                List.of(new ArchitecturePattern("logistic-regression")),
                Optional.empty()),
            consortium);
    sql.sql(
            """
            insert into membership_epoch (version, digest, document, signature, issued_at, expires_at,
              received_at)
            values (1, ?, ?, ?, ?, ?, ?)
            """)
        .param(signed.digest().bytes())
        .param(signed.document().toByteArray())
        .param(signed.signature().toByteArray())
        .param(at(issued))
        .param(at(issued.plus(Duration.ofDays(30))))
        .param(at(issued))
        .update();
    int i = 0;
    for (var site : keys.entrySet()) {
      i++;
      sql.sql(
              """
              insert into site (site_id, message_key, certificate_serial, certificate_not_after,
                enrolled_at, state, agent_version, seen_at)
              values (:site, :key, :serial, :until, :at, 'ACTIVE', '0.1.0', :seen)
              """)
          .param("site", site.getKey())
          .param("key", site.getValue().bytes())
          .param("serial", "serial-" + site.getKey())
          .param("until", at(now.plus(Duration.ofDays(i == 3 ? 12 : 80 + i))))
          .param("at", at(now.minus(Duration.ofDays(30 - i))))
          .param("seen", at(site.getKey().equals("maputo") ? now.minus(Duration.ofHours(9)) : now))
          .update();
    }
    sql.sql(
            """
            insert into study (name, purpose, data_contract, data_contract_digest, created_at)
            values ('heart', 'Heart disease from thirteen routine measurements.', '{}', :digest, :at)
            """)
        .param("digest", digest("contract").bytes())
        .param("at", at(now.minus(Duration.ofDays(1))))
        .update();
  }

  private void run() {
    sql.sql(
            """
            insert into run (id, name, study, kind, submission, submitted_by, submitted_at,
              rounds_planned, state, template)
            values (:id, :name, 'heart', 'TRAIN', cast(:submission as jsonb), 'admin', :at, :planned,
              'RUNNING', :template)
            """)
        .param("id", run)
        .param("name", name)
        .param(
            "submission",
            """
            {"architecture": {"family": "logistic-regression", "widths": [13, 1]},
             "algorithm": {"name": "fedprox", "mu": 0.01}, "privacy": %s}
            """
                .formatted(
                    noise.isPrivate()
                        ? """
                        {"kind": "record-level", "epsilon": 2, "noiseMultiplier": 1.1,
                         "exampleClip": 0.5, "delta": 1e-5}\
                        """
                        : """
                        {"kind": "none"}\
                        """))
        .param("at", at(begun))
        .param("planned", PLANNED)
        .param("template", PlanCodec.encode(plan(1)))
        .update();
    journal(
        begun,
        "RUN",
        null,
        null,
        null,
        "run.submitted",
        null,
        "RUNNING",
        "The run was submitted by admin: 12 rounds with 7 sites.");
    version(0, Optional.empty(), begun);
  }

  private void past(int number) {
    var opened = begun.plus(ROUND.multipliedBy(number - 1));
    var ended = opened.plus(ROUND).minusSeconds(20);
    boolean abandoned = number == 4;
    long id = openRound(number, opened);
    for (var site : FATES.keySet()) {
      char fate = fate(site, number);
      switch (fate) {
        case '-' -> leave(id, site);
        case 'r' -> move(id, site, "INVITED", "REFUSED", opened.plusSeconds(90), REFUSAL);
        case 'L' -> move(id, site, "INVITED", "LOST", opened.plus(Duration.ofMinutes(22)), null);
        default -> trained(id, number, site, fate, opened, ended);
      }
    }
    phase(id, number, "RECRUITING", "TRAINING", opened.plusSeconds(240));
    if (abandoned) {
      end(
          id,
          number,
          "TRAINING",
          "ABANDONED",
          ended,
          "3 of the 5 sites it needs were ready at the hard limit");
      return;
    }
    phase(
        id,
        number,
        "TRAINING",
        "AGGREGATING",
        ended.minus(Duration.ofMinutes(number == 6 ? 9 : 4)));
    if (number == 6) {
      session(id, number, 1, ended.minus(Duration.ofMinutes(8)), false);
    }
    session(id, number, number == 6 ? 2 : 1, ended.minus(Duration.ofMinutes(3)), true);
    measure(id, number);
    end(id, number, "AGGREGATING", "COMMITTED", ended, null);
    commit();
  }

  private void trained(long id, int number, String site, char fate, Instant opened, Instant ended) {
    var begin = opened.plusSeconds(60 + site.hashCode() % 50);
    move(id, site, "INVITED", "TRAINING", begin, null);
    var done = begin.plus(Duration.ofMinutes(14 + Math.floorMod(site.hashCode() + number * 7, 15)));
    if (Math.floorMod(site.hashCode() + number, 3) == 0) {
      move(id, site, "TRAINING", "PAUSED", begin.plus(Duration.ofMinutes(4)), PAUSE);
      move(id, site, "PAUSED", "TRAINING", begin.plus(Duration.ofMinutes(11)), null);
      done = done.plus(Duration.ofMinutes(7));
    }
    if (fate == 'l') {
      move(id, site, "TRAINING", "LATE", ended, null);
      return;
    }
    move(id, site, "TRAINING", "READY", done, null);
    var last =
        switch (fate) {
          case 's', 'p' -> "SUMMED";
          case 'd' -> "DROPPED";
          default -> "UNUSED";
        };
    move(id, site, "READY", last, ended, null);
    if (fate == 'p') {
      sql.sql("update round_site set partial = true where round_id = ? and site_id = ?")
          .param(id)
          .param(site)
          .update();
    }
  }

  private void session(long round, int number, int attempt, Instant opened, boolean summed) {
    var id = digest(name + " session " + number + " " + attempt);
    var ended = opened;
    for (int i = 0; i < (summed ? 5 : 4); i++) {
      ended = ended.plus(LENGTHS.get(i));
    }
    sql.sql(
            """
            insert into aggregation_session (id, round_id, attempt, phase, reason, descriptor,
              descriptor_signature, opened_at, ended_at, certificate, certificate_kind)
            values (:id, :round, :attempt, :phase, :reason, :bytes, :bytes, :at, :ended, :bytes, :kind)
            """)
        .param("id", id.bytes())
        .param("round", round)
        .param("attempt", attempt)
        .param("phase", summed ? "DONE" : "ABORTED")
        .param(
            "reason",
            summed ? null : "4 of the 5 masked updates it needs arrived before the deadline")
        .param("bytes", id.bytes())
        .param("at", at(opened))
        .param("ended", at(ended))
        .param("kind", summed ? "COMMIT" : "ABORT")
        .update();
    var roster =
        FATES.keySet().stream().filter(site -> "spd".indexOf(fate(site, number)) >= 0).toList();
    int sequence = 0;
    for (int member = 0; member < roster.size(); member++) {
      var site = roster.get(member);
      boolean drops = fate(site, number) == 'd' || (!summed && member % 3 == 1);
      sql.sql(
              """
              insert into session_site (session_id, site_id, upload_bytes, upload_digest)
              values (?, ?, ?, ?)
              """)
          .param(id.bytes())
          .param(site)
          .param(drops ? 0 : 480)
          .param(drops ? null : id.bytes())
          .update();
      var from = opened;
      for (int i = 0; i < (summed ? 5 : 4); i++) {
        if (!drops || i < 2 || (!summed && i == 3)) {
          var when = from.plus(LENGTHS.get(i).multipliedBy(3 + (member * 5 + i) % 7).dividedBy(10));
          sql.sql(
                  """
                  insert into session_message (session_id, sequence, kind, site_id, phase, at)
                  values (?, ?, 'MESSAGE', ?, ?, ?)
                  """)
              .param(id.bytes())
              .param(++sequence)
              .param(site)
              .param(MESSAGES.get(i))
              .param(at(when))
              .update();
        }
        from = from.plus(LENGTHS.get(i));
      }
    }
    var from = opened;
    for (int i = 0; i < (summed ? 5 : 4); i++) {
      from = from.plus(LENGTHS.get(i));
      var to = i == 4 ? "DONE" : !summed && i == 3 ? "ABORTED" : PHASES.get(i + 1);
      journal(
          from,
          "SESSION",
          round,
          id,
          null,
          "session.moved",
          PHASES.get(i),
          to,
          "Session "
              + attempt
              + " moves to "
              + to.toLowerCase(Locale.ROOT).replace('_', ' ')
              + ".");
    }
  }

  /// Opens a round with every site invited, `number` counting from 1; its row's id.
  long openRound(int number, Instant opened) {
    var plan = plan(number);
    var id =
        sql.sql(
                """
                insert into round (run_id, number, kind, phase, plan, plan_digest, terms_digest,
                  opened_at, hard_deadline)
                values (:run, :number, 'TRAIN', 'RECRUITING', :plan, :digest, :terms, :at, :hard)
                returning id
                """)
            .param("run", run)
            .param("number", number)
            .param("plan", PlanCodec.encode(plan))
            .param("digest", plan.digest().bytes())
            .param("terms", plan.terms().digest().bytes())
            .param("at", at(opened))
            .param("hard", at(opened.plus(Duration.ofDays(2))))
            .query(Long.class)
            .single();
    for (var site : FATES.keySet()) {
      sql.sql(
              "insert into round_site (round_id, site_id, phase, changed_at) values (?, ?, 'INVITED', ?)")
          .param(id)
          .param(site)
          .param(at(opened))
          .update();
    }
    journal(
        opened,
        "ROUND",
        id,
        null,
        null,
        "round.opened",
        null,
        "RECRUITING",
        "Round " + number + " begins with 7 sites invited.");
    return id;
  }

  /// Brings a site of the live round to `state` by the way that a site takes.
  void stand(int number, String site, String state) {
    long id = id(number);
    var opened =
        sql.sql("select opened_at from round where id = ?")
            .param(id)
            .query(OffsetDateTime.class)
            .single()
            .toInstant();
    var begin = opened.plusSeconds(70);
    switch (state) {
      case "TRAINING", "READY", "PAUSED" -> {
        move(id, site, "INVITED", "TRAINING", begin, null);
        if (state.equals("READY")) {
          move(
              id,
              site,
              "TRAINING",
              "READY",
              begin.plus(Duration.ofMinutes(12 + site.length())),
              null);
        } else if (state.equals("PAUSED")) {
          move(id, site, "TRAINING", "PAUSED", begin.plus(Duration.ofMinutes(9)), PAUSE);
        } else {
          phase(id, number, "RECRUITING", "TRAINING", begin.plusSeconds(30));
        }
        sql.sql(
                "update round_site set tenths = 6, expected_at = ? where round_id = ? and site_id = ?")
            .param(state.equals("READY") ? null : at(now.plus(Duration.ofMinutes(9))))
            .param(id)
            .param(site)
            .update();
      }
      case "REFUSED" -> move(id, site, "INVITED", "REFUSED", begin, REFUSAL);
      case "LOST" -> move(id, site, "INVITED", "LOST", begin.plus(Duration.ofMinutes(20)), null);
      default -> {}
    }
  }

  /// Commits the live round at `moment` with these sites in the sum, and opens the next one.
  void commit(int number, List<String> summed, Instant moment) {
    long id = id(number);
    for (var site : summed) {
      var before =
          sql.sql("select phase from round_site where round_id = ? and site_id = ?")
              .param(id)
              .param(site)
              .query(String.class)
              .single();
      move(id, site, before, "SUMMED", moment, null);
    }
    sql.sql("update round set metrics = cast(? as jsonb) where id = ?")
        .param("{\"loss\": 0.44, \"accuracy\": 0.815}")
        .param(id)
        .update();
    phase(id, number, "TRAINING", "AGGREGATING", moment);
    end(id, number, "AGGREGATING", "COMMITTED", moment, null);
    commit();
    openRound(number + 1, moment);
    revise();
  }

  /// One site of the live round moves, as the sentence says.
  void moves(int number, String site, String from, String to, Instant moment) {
    move(id(number), site, from, to, moment, null);
    revise();
  }

  /// Writes a line that changes nothing.
  void note(String sentence) {
    journal(Instant.now(), "RUN", null, null, null, "run.noted", null, null, sentence);
    revise();
  }

  private long id(int number) {
    return sql.sql("select id from round where run_id = ? and number = ?")
        .param(run)
        .param(number)
        .query(Long.class)
        .single();
  }

  private static char fate(String site, int round) {
    return FATES.getOrDefault(site, "").charAt(round - 1);
  }

  private void leave(long id, String site) {
    sql.sql("delete from round_site where round_id = ? and site_id = ?")
        .param(id)
        .param(site)
        .update();
  }

  private void move(
      long id, String site, String from, String to, Instant moment, @Nullable String reason) {
    sql.sql(
            "update round_site set phase = ?, reason = ?, changed_at = ? where round_id = ? and site_id = ?")
        .param(to)
        .param(reason)
        .param(at(moment))
        .param(id)
        .param(site)
        .update();
    var because = reason == null ? "" : ": " + reason;
    journal(
        moment,
        "SITE",
        id,
        null,
        site,
        "site.moved",
        from,
        to,
        site + " " + to.toLowerCase(Locale.ROOT) + because + ".");
  }

  private void phase(long id, int number, String from, String to, Instant moment) {
    sql.sql("update round set phase = ? where id = ?").param(to).param(id).update();
    journal(
        moment,
        "ROUND",
        id,
        null,
        null,
        "round.moved",
        from,
        to,
        "Round " + number + " is " + to.toLowerCase(Locale.ROOT) + ".");
  }

  private void end(
      long id, int number, String from, String to, Instant moment, @Nullable String reason) {
    sql.sql("update round set ended_at = ?, reason = ? where id = ?")
        .param(at(moment))
        .param(reason)
        .param(id)
        .update();
    phase(id, number, from, to, moment);
  }

  private void measure(long id, int number) {
    sql.sql(
            "update round set metrics = cast(? as jsonb), sum_digest = ?, transcript_digest = ? where id = ?")
        .param(
            noise.isPrivate()
                ? null
                : String.format(
                    Locale.ROOT,
                    "{\"loss\": %s, \"accuracy\": %s, \"auroc\": %s}",
                    LOSS[number - 1],
                    ACCURACY[number - 1],
                    ACCURACY[number - 1] + .06))
        .param(digest("sum " + number).bytes())
        .param(digest("transcript " + number).bytes())
        .param(id)
        .update();
  }

  private void commit() {
    committed++;
    sql.sql("update run set committed_rounds = ? where id = ?")
        .param(committed)
        .param(run)
        .update();
  }

  private void version(int number, Optional<Digest> parent, Instant moment) {
    var weights = digest("weights " + number);
    var state = digest("optimizer " + number);
    var layout = digest("layout");
    var version =
        new ModelVersion(
            FEDERATION,
            new RunId(run),
            number,
            parent,
            ARCHITECTURE,
            weights,
            state,
            layout,
            Optional.empty());
    for (var artifact : List.of(weights, state, layout)) {
      sql.sql(
              "insert into registry.artifact (digest, bytes, recorded_at) values (?, 120, ?) on conflict do nothing")
          .param(artifact.bytes())
          .param(at(moment))
          .update();
    }
    var document = PlanCodec.encode(version);
    sql.sql(
            """
            insert into registry.model_version (digest, federation_id, run_id, version, weights,
              optimizer_state, layout, document, published_at)
            values (?, ?, ?, ?, ?, ?, ?, ?, ?)
            """)
        .param(Digest.of(document).bytes())
        .param(FEDERATION.value())
        .param(run)
        .param(number)
        .param(weights.bytes())
        .param(state.bytes())
        .param(layout.bytes())
        .param(document)
        .param(at(moment))
        .update();
    journal(
        moment,
        "MODEL",
        null,
        null,
        null,
        "model.published",
        null,
        null,
        "Version " + number + " of the model follows from the seed.");
  }

  private void journal(
      Instant moment,
      String kind,
      @Nullable Long round,
      @Nullable Digest session,
      @Nullable String site,
      String event,
      @Nullable String from,
      @Nullable String to,
      String sentence) {
    lines.add(new Line(moment, kind, round, session, site, event, from, to, sentence));
  }

  private record Line(
      Instant at,
      String kind,
      @Nullable Long round,
      @Nullable Digest session,
      @Nullable String site,
      String event,
      @Nullable String from,
      @Nullable String to,
      String sentence) {}

  private final List<Line> lines = new ArrayList<>();

  /// Gives the lines since the last call their revisions in the order of their times, and notifies.
  private void revise() {
    lines.sort((left, right) -> left.at().compareTo(right.at()));
    for (var line : lines) {
      long revision =
          sql.sql("update run set revision = revision + 1 where id = ? returning revision")
              .param(run)
              .query(Long.class)
              .single();
      sql.sql(
              """
              insert into journal (run_id, revision, at, kind, round_id, session_id, site_id, event,
                from_state, to_state, sentence)
              values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
              """)
          .param(run)
          .param(revision)
          .param(at(line.at()))
          .param(line.kind())
          .param(line.round())
          .param(line.session() == null ? null : line.session().bytes())
          .param(line.site())
          .param(line.event())
          .param(line.from())
          .param(line.to())
          .param(line.sentence())
          .update();
    }
    lines.clear();
    sql.sql("select pg_notify('comity', ?)").param("run:" + run).query(String.class).list();
  }

  private RoundPlan plan(int number) {
    var encoding = new Encoding(32, 16);
    return new RoundPlan(
        new UpdateTerms(
            FEDERATION,
            new RunId(run),
            RunKind.TRAIN,
            "heart",
            "Heart disease from thirteen routine measurements.",
            digest("contract"),
            digest("base " + number),
            number - 1,
            ARCHITECTURE,
            digest("weights"),
            digest("optimizer"),
            ParameterLayout.of(ARCHITECTURE),
            VectorLayout.of(RunKind.TRAIN, ARCHITECTURE, encoding, 1, 1000, 10, noise),
            new LocalObjective.Proximal(0.01),
            new LocalTraining(
                Loss.BINARY_CROSS_ENTROPY,
                16,
                noise.isPrivate() ? new LocalWork.PoissonSteps(20, 0.05) : new LocalWork.Epochs(1),
                0.1,
                0,
                0),
            7,
            noise.isPrivate() ? new Weighting.Uniform() : new Weighting.ByExamples(500),
            1,
            noise,
            encoding,
            1000,
            10,
            true),
        number,
        FATES.keySet().stream().map(SiteId::new).toList(),
        new ServerStep.Average(1),
        5,
        1,
        3,
        Duration.ofHours(12),
        Duration.ofDays(2));
  }

  private static Digest digest(String content) {
    return Digest.of(content.getBytes(StandardCharsets.UTF_8));
  }

  private static OffsetDateTime at(Instant instant) {
    return instant.atOffset(ZoneOffset.UTC);
  }
}
