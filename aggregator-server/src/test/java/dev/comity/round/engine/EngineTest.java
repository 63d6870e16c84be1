package dev.comity.round.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.comity.audit.JournalEntry;
import dev.comity.audit.Signals;
import dev.comity.plan.Digest;
import dev.comity.plan.RunId;
import dev.comity.plan.SiteId;
import dev.comity.run.RunReports;
import dev.comity.run.RunTransition;
import dev.comity.run.Runs;
import dev.comity.run.Suspensions;
import dev.comity.session.SignedMessage;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EngineTest {

  private static final Duration PATIENT = Duration.ofMinutes(2);
  private static final Duration HASTY = Duration.ofSeconds(2);
  private static final Duration HOUR = Duration.ofHours(1);

  private static EmbeddedPostgres postgres;

  @TempDir private Path directory;

  /// Weights of every version of the run that the kills disturb.
  private static List<List<Integer>> undisturbed;

  @BeforeAll
  static void runOneFederationUndisturbed(@TempDir Path directory) throws Exception {
    postgres = EmbeddedPostgres.start();
    try (var world = new TestWorld(postgres, directory, 4).startSites(0, 4)) {
      var run = world.submit(world.federation().submission("killed", 2, 4, PATIENT, HOUR));
      world.running().awaitEnd(run);
      undisturbed = world.tensors(run);
    }
  }

  @AfterAll
  static void stopDatabase() throws IOException {
    postgres.close();
  }

  private TestWorld world(int sites) throws IOException {
    return new TestWorld(postgres, directory, sites);
  }

  private static Predicate<JournalEntry> reached(String state) {
    return entry -> state.equals(entry.to());
  }

  private static Predicate<JournalEntry> moved(SiteId site, String to) {
    return entry -> site.equals(entry.site()) && to.equals(entry.to());
  }

  @Test
  void aFederationCommitsItsRoundsAndEvaluatesTheFinalModel() throws Exception {
    try (var world = world(4).startSites(0, 4)) {

      var run = world.submit(world.federation().submission("plain", 2, 4, PATIENT, HOUR));
      world.running().awaitEnd(run);

      assertThat(world.runState(run)).isEqualTo("COMPLETED");
      var weights = world.weights(run);
      assertThat(weights).hasSize(3);
      var first = world.values(weights.getFirst());
      var last = world.values(weights.getLast());
      for (var index = 0; index < first.length; index++) {
        assertThat(last[index]).isCloseTo(first[index] + 2 * TestSite.STEP, within(1e-4f));
      }
      for (var round = 1; round <= 3; round++) {
        assertThat(world.phases(run, round)).containsOnly("SUMMED");
      }
      assertThat(
              world.text(
                  "select metrics::text from round where run_id = ? order by number", run.value()))
          .hasSize(3)
          .allSatisfy(metrics ->
              assertThat(metrics)
                  .contains("\"auroc\": 1.0", "\"accuracy\": 0.8", "\"examples\": 40"));
      assertThat(
              world.text(
                  "select norms::text from round where run_id = ? and number = 2", run.value()))
          .singleElement()
          .asString()
          .contains("linear.weight", "linear.bias", "cosine", "drift");
      var models = world.running().models();
      assertThat(models.lineage(models.versions(run).getLast().digest()).generations()).hasSize(3);
    }
  }

  @Test
  void aPrivateRunEndsWithItsLastTrainingRoundAndHasNoMetrics() throws Exception {
    try (var world = world(4).startSites(0, 4)) {

      var run = world.submit(world.federation().privateSubmission("private", 2, 4, PATIENT, HOUR));
      world.running().awaitEnd(run);

      assertThat(world.runState(run)).isEqualTo("COMPLETED");
      assertThat(world.weights(run)).hasSize(3);
      assertThat(world.text("select kind from round where run_id = ? order by number", run.value()))
          .containsExactly("TRAIN", "TRAIN");
      assertThat(
              world.text(
                  "select coalesce(metrics::text, 'none') from round where run_id = ?",
                  run.value()))
          .containsOnly("none");
      var reports = world.running().reports();
      assertThat(reports.run(run).orElseThrow().notMeasured()).isEqualTo("differential privacy");
      assertThat(reports.find("private").orElseThrow().notMeasured())
          .isEqualTo("differential privacy");
      assertThat(reports.rounds(run))
          .allSatisfy(round -> {
            assertThat(round.metrics()).isNull();
            assertThat(round.notMeasured()).isEqualTo("differential privacy");
          });
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "RECRUITING",
        "TRAINING",
        "AGGREGATING",
        "ADVERTISING_KEYS",
        "SHARING_KEYS",
        "COLLECTING",
        "VOTING",
        "UNMASKING",
        "DONE",
        "COMMITTED"
      })
  void anAggregatorKilledInAnyStateEndsWithTheWeightsOfAnUndisturbedRun(String state)
      throws Exception {
    try (var world = world(4).startSites(0, 4)) {

      var run = world.submit(world.federation().submission("killed", 2, 4, PATIENT, HOUR));
      world.running().await(run, reached(state));
      world.killAggregator();
      world.running().awaitEnd(run);

      assertThat(world.runState(run)).isEqualTo("COMPLETED");
      assertThat(world.tensors(run)).isEqualTo(undisturbed);
    }
  }

  @Test
  void sitesAreNotTakenForSilentWhileTheAggregatorWasAway() throws Exception {
    try (var world = world(5)) {
      var slow = world.site(0).withholding(SignedMessage.Phase.MASKED_INPUT).start();
      world.startSites(1, 5);
      var run = world.submit(world.federation().submission("outage", 1, 4, PATIENT, HOUR));
      world.running().await(run, reached("COLLECTING"));

      world.killAggregatorForLong();
      slow.relent();
      world.running().await(run, reached("COMMITTED"));

      assertThat(world.phases(run, 1)).containsOnly("SUMMED");
      assertThat(world.text("select reason from aggregation_session where reason is not null"))
          .isEmpty();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"ADVERTISE_KEYS", "SHARE_KEYS", "MASKED_INPUT"})
  void aSiteThatFallsSilentInASessionIsDroppedOrLeftOutAndTheRoundCommits(String phase)
      throws Exception {
    try (var world = world(5)) {
      world.site(0).withholding(SignedMessage.Phase.valueOf(phase)).start();
      world.startSites(1, 5);

      var run = world.submit(world.federation().submission("dropout", 1, 5, HASTY, HOUR));
      world.running().await(run, reached("COMMITTED"));

      assertThat(world.phases(run, 1))
          .containsExactly("DROPPED", "SUMMED", "SUMMED", "SUMMED", "SUMMED");
      assertThat(world.weights(run)).hasSize(2);
    }
  }

  @Test
  void aSessionThatLostTooManyVectorsIsAbortedWithProofAndTheNextOneSumsTheSameUpdates()
      throws Exception {
    try (var world = world(4)) {
      var silent = world.site(0).withholding(SignedMessage.Phase.MASKED_INPUT).start();
      world.startSites(1, 4);

      var run = world.submit(world.federation().submission("aborted", 1, 4, HASTY, HOUR));
      world.running().await(run, reached("ABORTED"));
      silent.relent();
      world.running().await(run, reached("COMMITTED"));

      assertThat(
              world.text(
                  "select certificate_kind from aggregation_session where certificate is not null"
                      + " order by opened_at limit 1"))
          .containsExactly("ABORT");
      assertThat(world.phases(run, 1)).containsOnly("SUMMED");
      assertThat(world.text("select distinct event from journal where event like 'round.%'"))
          .contains("round.opened", "round.moved");
      assertThat(world.text("select number::text from round where phase = 'ABANDONED'")).isEmpty();
    }
  }

  @Test
  void theHardLimitLeavesItsSitesInDoubtUntilTheAbortIsProvenAndTheNextRoundSumsTheirUpdates()
      throws Exception {
    try (var world = world(4)) {
      var silent = world.site(0).withholding(SignedMessage.Phase.MASKED_INPUT).start();
      world.startSites(1, 4);
      var limit = Duration.ofSeconds(8);

      var run = world.submit(world.federation().submission("doubt", 1, 4, limit, limit));
      world.running().await(run, reached("IN_DOUBT"));
      silent.relent();
      world.running().await(run, moved(world.id(0), "UNUSED"));
      world.running().awaitEnd(run);

      assertThat(world.runState(run)).isEqualTo("COMPLETED");
      assertThat(world.phases(run, 1)).containsOnly("UNUSED");
      assertThat(
              world.text(
                  "select distinct encode(terms_digest, 'hex') from round where number <= 2"))
          .hasSize(1);
      assertThat(world.phases(run, 2)).containsOnly("SUMMED");
    }
  }

  @Test
  void anAgentThatDiesReadyIsOfferedThePlanAgainAndTakesPart() throws Exception {
    try (var world = world(4)) {
      var dying = world.site(0).start();
      var holding = world.site(1).slow().start();
      world.startSites(2, 4);
      var run = world.submit(world.federation().submission("restarted", 1, 4, PATIENT, HOUR));
      world.running().await(run, moved(world.id(0), "READY"));

      dying.close();
      world.site(0).start();
      holding.train();
      world.running().await(run, reached("COMMITTED"));

      assertThat(world.phases(run, 1)).containsOnly("SUMMED");
    }
  }

  @Test
  void threeAbandonedRoundsInARowEndTheRunAndSayWhy() throws Exception {
    try (var world = world(4).startSites(0, 1)) {

      var limit = Duration.ofMillis(400);
      var run = world.submit(world.federation().submission("abandoned", 5, 4, limit, limit));
      world.running().awaitEnd(run);

      assertThat(world.runState(run)).isEqualTo("ABANDONED");
      assertThat(world.text("select reason from run"))
          .containsExactly(
              "3 rounds in a row were abandoned with 0 of 5 committed; the last one: hard limit: 1"
                  + " of 4 needed sites permitted the plan");
      assertThat(world.text("select phase from round")).hasSize(3).containsOnly("ABANDONED");
    }
  }

  @Test
  void refusalsEndARoundAtOnceWithTheirReasons() throws Exception {
    try (var world = world(4)) {
      for (var index = 0; index < 4; index++) {
        world.site(index).refusing().start();
      }

      var run = world.submit(world.federation().submission("refused", 5, 4, PATIENT, HOUR));
      world.running().awaitEnd(run);

      assertThat(world.runState(run)).isEqualTo("ABANDONED");
      assertThat(world.text("select distinct reason from round_site where phase = 'REFUSED'"))
          .containsExactly("not in this test");
    }
  }

  @Test
  void aPausedSiteThatIsHeardIsNotLostAndItsCauseAndWindowAreKept() throws Exception {
    try (var world = world(5)) {
      world.site(0).pausing("too hot", Instant.parse("2031-01-01T06:00:00Z")).start();
      // Holds the session open, long after the silence limit has let the round go on without it.
      var holding = world.site(1).withholding(SignedMessage.Phase.VOTE).start();
      world.startSites(2, 5);

      var run = world.submit(world.federation().submission("paused", 1, 4, HASTY, HOUR));
      world.running().await(run, moved(world.id(0), "PAUSED"));
      world.running().await(run, reached("VOTING"));

      assertThat(world.phases(run, 1))
          .containsExactly("PAUSED", "IN_SESSION", "IN_SESSION", "IN_SESSION", "IN_SESSION");
      assertThat(
              world.text(
                  "select reason || ' until ' || to_char(expected_at at time zone 'UTC',"
                      + " 'YYYY-MM-DD HH24:MI') from round_site where phase = 'PAUSED'"))
          .containsExactly("too hot until 2031-01-01 06:00");
      holding.relent();
      world.running().await(run, reached("COMMITTED"));
      assertThat(world.phases(run, 1))
          .containsExactly("LATE", "SUMMED", "SUMMED", "SUMMED", "SUMMED");
    }
  }

  @Test
  void aSiteReadyAfterTheRosterFrozeIsLateAndTheNextRoundTakesItAgain() throws Exception {
    try (var world = world(5)) {
      var slow = world.site(0).slow().start();
      // Holds the session open until the slow site is ready.
      var holding = world.site(1).withholding(SignedMessage.Phase.VOTE).start();
      world.startSites(2, 5);

      var run = world.submit(world.federation().submission("late", 2, 4, HASTY, HOUR));
      world.running().await(run, reached("VOTING"));
      slow.train();
      world.running().await(run, moved(world.id(0), "READY"));
      holding.relent();
      world.running().await(run, reached("COMMITTED"));
      world.running().awaitEnd(run);

      assertThat(world.phases(run, 1))
          .containsExactly("LATE", "SUMMED", "SUMMED", "SUMMED", "SUMMED");
      assertThat(world.phases(run, 2)).containsOnly("SUMMED");
    }
  }

  @Test
  void aCancelledRunEndsItsRoundAndItsSession() throws Exception {
    try (var world = world(4)) {
      world.site(0).withholding(SignedMessage.Phase.MASKED_INPUT).start();
      world.startSites(1, 4);
      var run = world.submit(world.federation().submission("cancelled", 2, 4, PATIENT, HOUR));
      world.running().await(run, reached("COLLECTING"));

      var transition = world.running().runs().cancel(run, "ada");
      world.running().await(run, reached("ABORTED"));

      assertThat(transition).isInstanceOf(RunTransition.Moved.class);
      assertThat(world.runState(run)).isEqualTo("CANCELLED");
      assertThat(world.phases(run, 1)).containsOnly("UNUSED");
      assertThat(world.running().runs().cancel(run, "ada"))
          .isInstanceOf(RunTransition.Ignored.class);
    }
  }

  @Test
  void vectorsOfAnAbortedOrAnUnknownSessionDoNotStay() throws Exception {
    try (var world = world(4)) {
      var silent = world.site(0).withholding(SignedMessage.Phase.MASKED_INPUT).start();
      world.startSites(1, 4);
      var run = world.submit(world.federation().submission("spooled", 1, 4, HASTY, HOUR));
      world.running().await(run, reached("ABORTED"));
      silent.relent();
      world.running().awaitEnd(run);
      var aborted =
          world.text("select encode(id, 'hex') from aggregation_session where phase = 'ABORTED'");

      assertThat(aborted)
          .isNotEmpty()
          .allSatisfy(session -> assertThat(world.spool().resolve(session)).doesNotExist());

      Files.createDirectories(world.spool().resolve("ab".repeat(32)));
      world.killAggregator();
      var again = world.submit(world.federation().submission("swept", 1, 4, PATIENT, HOUR));
      world.running().awaitEnd(again);

      assertThat(world.spool().resolve("ab".repeat(32))).doesNotExist();
    }
  }

  @Test
  void aMemberRevokedInASessionAbortsIt() throws Exception {
    try (var world = world(5)) {
      world.site(0).withholding(SignedMessage.Phase.MASKED_INPUT).start();
      world.startSites(1, 5);
      var run = world.submit(world.federation().submission("revoked", 1, 4, PATIENT, HOUR));
      world.running().await(run, reached("COLLECTING"));

      world.federation().admit(world.federation().sites().subList(1, 5));
      world
          .running()
          .sql()
          .sql("update site set state = 'REVOKED' where site_id = 'site-a'")
          .update();
      world.running().signals().signal(Signals.membership());

      world.running().await(run, reached("ABORTED"));
      world.running().await(run, reached("COMMITTED"));
      assertThat(world.phases(run, 1))
          .containsExactly("REFUSED", "SUMMED", "SUMMED", "SUMMED", "SUMMED");
      assertThat(world.running().sentences(run))
          .anyMatch(line -> line.contains("is aborted: site-a was revoked"))
          .anyMatch(line ->
              line.startsWith("site-a refused: revoked by the consortium at")
                  && line.contains(": stolen"));
    }
  }

  @Test
  void aMemberWhoseKeyIsReplacedInASessionGoesOnInTheNextOneUnderTheNewKey() throws Exception {
    try (var world = world(4)) {
      var slow = world.site(0).withholding(SignedMessage.Phase.MASKED_INPUT).start();
      world.startSites(1, 4);
      var run = world.submit(world.federation().submission("rotated", 1, 4, PATIENT, HOUR));
      world.running().await(run, reached("COLLECTING"));

      world.federation().rotate(world.id(0));
      slow.relent();
      world.running().signals().signal(Signals.membership());

      world.running().await(run, reached("ABORTED"));
      world.running().awaitEnd(run);
      assertThat(world.phases(run, 1)).containsOnly("SUMMED").hasSize(4);
      var key = world.federation().key(world.id(0)).publicKey().fingerprint();
      assertThat(world.running().models().versions(run)).hasSize(2);
      assertThat(world.federation().epochInForce().keyOf(world.id(0)).orElseThrow().fingerprint())
          .isEqualTo(key);
    }
  }

  @Test
  void aSessionGoesOnUnderTheAggregatorKeyOfItsMembershipWhichIsErasedAfterIt() throws Exception {
    try (var world = world(5)) {
      var slow = world.site(0).withholding(SignedMessage.Phase.MASKED_INPUT).start();
      world.startSites(1, 5);
      var run =
          world.submit(
              world.federation().submission("re-keyed", 2, 4, Duration.ofSeconds(10), HOUR));
      world.running().await(run, reached("COLLECTING"));
      var former = world.federation().messageKey();
      var open = "select encode(id, 'hex') from aggregation_session where phase = 'COLLECTING'";
      var session = world.text(open).getFirst();

      world.federation().rotateAggregator();
      world.killAggregator(); // a new process finds the session under the former key
      world.running().await(run, reached("COMMITTED"));
      slow.relent();

      world.running().awaitEnd(run);
      assertThat(world.runState(run)).isEqualTo("COMPLETED");
      assertThat(
              world.text(
                  "select phase from aggregation_session where encode(id, 'hex') = ?", session))
          .containsExactly("DONE");
      assertThat(world.federation().erased(former)).isTrue();
      assertThat(world.federation().erased(world.federation().messageKey())).isFalse();
    }
  }

  @Test
  void aDealerWhoseSharesGiveNoSecretIsNamedAndSuspendedUntilAnAdministratorLiftsIt()
      throws Exception {
    try (var world = world(5)) {
      world.site(0).drifting().start();
      world.startSites(1, 5);
      var run = world.submit(world.federation().submission("burned", 1, 4, PATIENT, HOUR));

      var suspended = world.running().await(run, entry -> entry.event().equals("site.suspended"));
      world.running().awaitEnd(run);
      var next = world.submit(world.federation().submission("after", 1, 4, PATIENT, HOUR));
      world.running().awaitEnd(next);

      assertThat(suspended.site()).isEqualTo(new SiteId("site-a"));
      assertThat(suspended.sentence())
          .startsWith("site-a is suspended since session ")
          .contains("POST /api/v1/sites/site-a/reinstatement", "the consortium revokes it");
      assertThat(world.runState(run)).isEqualTo("ABANDONED"); // every update of its base is spent
      assertThat(world.running().sentences(run))
          .anyMatch(line -> line.contains("suspended as the dealers at fault: site-a"));
      assertThat(world.runState(next)).isEqualTo("COMPLETED");
      assertThat(world.phases(next, 1))
          .containsExactly("REFUSED", "SUMMED", "SUMMED", "SUMMED", "SUMMED");
      var report =
          world.running().reports().sites().stream()
              .filter(site -> site.site().equals("site-a"))
              .findFirst()
              .orElseThrow()
              .suspension();
      assertThat(report).isNotNull();
      assertThat(report.reason()).contains("give no secret of it");
      assertThat(report.remedy()).contains("reinstatement");

      world.killAggregator(); // it outlives the process

      var suspensions = world.running().bean(Suspensions.class);
      assertThat(world.running().bean(RunReports.class).sites())
          .filteredOn(site -> site.suspension() != null)
          .extracting(RunReports.SiteReport::site)
          .containsExactly("site-a");
      assertThat(suspensions.lift(new SiteId("site-b"), "ada", "not suspended")).isFalse();
      assertThat(suspensions.lift(new SiteId("site-a"), "ada", "memory replaced")).isTrue();
      assertThat(suspensions.lift(new SiteId("site-a"), "ada", "again")).isFalse();
      assertThat(world.running().reports().sites())
          .allSatisfy(site -> assertThat(site.suspension()).isNull());
      assertThat(world.text("select lifted_by || ': ' || lifted_because from suspension"))
          .containsExactly("ada: memory replaced");
    }
  }

  @Test
  void aMemberRevokedWhileARoundWaitsIsStruckFromIt() throws Exception {
    try (var world = world(5)) {
      world.startSites(1, 5); // the first site is never heard
      var run = world.submit(world.federation().submission("struck", 1, 4, PATIENT, HOUR));
      world.running().await(run, entry -> entry.event().equals("round.opened"));

      world.federation().admit(world.federation().sites().subList(1, 5));
      world.running().signals().signal(Signals.membership());

      world.running().await(run, reached("COMMITTED"));
      assertThat(world.phases(run, 1))
          .containsExactly("REFUSED", "SUMMED", "SUMMED", "SUMMED", "SUMMED");
    }
  }

  @Test
  void nothingBeginsUnderAnExpiredMembershipAndTheJournalSaysWhy() throws Exception {
    try (var world = world(4)) {
      world.startSites(0, 4);
      var sites = world.federation().sites();
      world.federation().admit(sites, Instant.now().minusSeconds(60));
      var run = world.submit(world.federation().submission("expired", 1, 4, PATIENT, HOUR));

      var waits = world.running().await(run, entry -> entry.event().equals("membership.expired"));
      var opened = world.text("select phase from round");
      world.federation().admit(sites, Instant.now().plus(Duration.ofDays(3)));
      world.running().signals().signal(Signals.membership());
      world.running().await(run, reached("COMMITTED"));

      assertThat(waits.sentence())
          .contains("Membership version 2 expired at", "until the consortium signs the next one");
      assertThat(opened).isEmpty();
      assertThat(world.running().sentences(run))
          .anyMatch(line -> line.startsWith("Membership version 3 expires at"));
    }
  }

  @Test
  void anUploadIsRefusedByNameWhenHeaderOffsetLengthOrContentAreWrong() throws Exception {
    try (var world = world(4)) {
      var odd = world.site(0).withholding(SignedMessage.Phase.MASKED_INPUT).start();
      world.startSites(1, 4);
      var run = world.submit(world.federation().submission("upload", 1, 4, PATIENT, HOUR));
      world.running().await(run, reached("COLLECTING"));
      var session =
          Digest.ofValue(
              world
                  .running()
                  .sql()
                  .sql("select id from aggregation_session")
                  .query(byte[].class)
                  .single());

      var early = odd.upload(session, 0, new byte[4]);
      odd.awaitAsked(SignedMessage.Phase.MASKED_INPUT);
      odd.sendHeaderAlone(session);
      var gap = odd.upload(session, 4, new byte[4]);
      var tooLong = odd.upload(session, 0, new byte[100_000]);
      var length = world.federation().vectorBytes();
      var other = odd.upload(session, 0, new byte[length]);
      odd.relent();
      odd.uploadRest(session);
      world.running().await(run, reached("COMMITTED"));

      assertThat(early.getRefused().getCode()).isEqualTo("upload.no-header");
      assertThat(gap.getRefused().getCode()).isEqualTo("upload.offset");
      assertThat(gap.getRefused().getDetail()).contains("offset 4", "0 bytes lie");
      assertThat(tooLong.getRefused().getCode()).isEqualTo("upload.too-long");
      assertThat(tooLong.getRefused().getDetail()).contains("100000", String.valueOf(length));
      assertThat(other.getRefused().getCode()).isEqualTo("upload.other-root");
      assertThat(world.phases(run, 1)).containsOnly("SUMMED");
    }
  }

  @Test
  void aSubmissionThatContradictsWhatIsStoredIsRefusedByField() throws Exception {
    try (var world = world(4)) {
      var runs = world.running().runs();
      var first = world.federation().submission("twice", 1, 4, PATIENT, HOUR);
      runs.submit(first, "ada");

      assertThatThrownBy(() ->
              runs.submit(world.federation().submission("tooFew", 1, 3, PATIENT, HOUR), "ada"))
          .isInstanceOf(Runs.RefusedSubmission.class)
          .hasMessageContaining("minReady 3");
      assertThatThrownBy(() -> runs.submit(first, "ada"))
          .isInstanceOfSatisfying(
              Runs.RefusedSubmission.class,
              refused -> assertThat(refused.pointer()).isEqualTo("/name"));
      var kept = world.artifacts();
      assertThatThrownBy(
              () -> runs.submit(world.federation().submission("twice", 1, 4, PATIENT, HOUR), "ada"))
          .isInstanceOf(Runs.RefusedSubmission.class);
      assertThat(world.artifacts()).isEqualTo(kept);
      assertThatThrownBy(() -> runs.cancel(RunId.random(), "ada"))
          .isInstanceOf(Runs.UnknownRun.class);
    }
  }

  @Test
  void contentThatASiteHasNoClaimToIsNotFetched() throws Exception {
    try (var world = world(5).startSites(0, 4)) {
      var outsider = world.site(4);
      var cohort = world.federation().sites().subList(0, 4);
      var run = world.submit(world.federation().submission("private", 1, 4, PATIENT, HOUR, cohort));
      world.running().awaitEnd(run);
      outsider.start();

      var weights = world.weights(run).getLast();
      var digest = Digest.of("nothing".getBytes(StandardCharsets.UTF_8));

      outsider.awaitGreeted();
      assertThat(world.running().artifacts().exists(weights)).isTrue();
      assertThat(outsider.fetch(weights)).isNull();
      assertThat(world.again(0).fetch(weights)).isNotNull();
      assertThat(world.again(0).fetch(digest)).isNull();
    }
  }
}
