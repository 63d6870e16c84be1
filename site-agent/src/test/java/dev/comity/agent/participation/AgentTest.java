package dev.comity.agent.participation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.comity.accounting.PrivacyAccountant;
import dev.comity.accounting.PrivacyEvent.PoissonGaussian;
import dev.comity.plan.Digest;
import dev.comity.plan.RoundPlan;
import dev.comity.plan.RunKind;
import dev.comity.plan.SiteId;
import dev.comity.plan.VectorLayout;
import dev.comity.protocol.v1.ReportRequest;
import dev.comity.session.ServerSession;
import dev.comity.session.SignedView;
import io.grpc.ClientInterceptor;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Agents with real keys, TLS, PyTorch and sessions against [TestAggregator]. A new agent on the
/// directory of one that stopped stands for a process that was killed and started again.
class AgentTest {
  private static final List<SiteId> SITES =
      List.of(
          new SiteId("s1"), new SiteId("s2"), new SiteId("s3"), new SiteId("s4"), new SiteId("s5"));
  private static final SiteId LAST = SITES.getLast();

  @TempDir Path folder;
  private TestAggregator aggregator;
  private final Map<SiteId, Agent> agents = new HashMap<>();

  @BeforeEach
  void join() throws Exception {
    aggregator = new TestAggregator(Files.createDirectories(folder.resolve("spool")));
    for (SiteId site : SITES) {
      join(site);
    }
  }

  @AfterEach
  void stop() {
    agents.values().forEach(Agent::close);
    aggregator.close();
  }

  @Test
  void fiveSitesTrainTwoRoundsAndEvaluate() throws Exception {
    startAll();
    aggregator.admit();

    commitRound(1, RunKind.TRAIN);
    commitRound(2, RunKind.TRAIN);
    commitRound(3, RunKind.EVALUATE);

    assertThat(aggregator.version().version()).isEqualTo(2);
    var metrics = aggregator.lastSum().metrics().orElseThrow();
    assertThat(metrics.correct()).isGreaterThan(metrics.examples() / 2);
    for (SiteId site : SITES) {
      aggregator.await(
          site + " has ended its rounds", () -> agent(site).status().rounds().isEmpty());
      assertThat(agent(site).status().inDoubt()).isZero();
      assertThat(agent(site).status().problem()).isNull();
      assertThat(storedUpdates(site)).isEmpty();
      assertThat(directory(site).state().resolve("models").resolve(TestAggregator.RUN.toString()))
          .isDirectoryContaining(
              "glob:**2-%s.weights.safetensors".formatted(aggregator.version().digest().hex()));
      aggregator.await(site + " has its baseline", () -> Files.exists(directory(site).baseline()));
    }
  }

  /// Five million batches would take hours.
  @Test
  void aSiteThatCannotFinishInTimeGivesTheStepsItDid() throws Exception {
    startAll();
    aggregator.admit();

    aggregator.open(
        1,
        RunKind.TRAIN,
        plan -> TestPlans.partial(TestPlans.batches(plan, 5_000_000), Duration.ofSeconds(10)));
    aggregator.await("all are ready", () -> aggregator.ready().size() == SITES.size());
    for (SiteId site : SITES) {
      assertThat(aggregator.reports(site))
          .filteredOn(ReportRequest::hasReady)
          .isNotEmpty()
          .allMatch(said -> said.getReady().getPartial());
    }
    aggregator.begin(SITES);
    finishSession();
    aggregator.commit();

    assertThat(aggregator.lastSum().contributors()).isEqualTo(SITES.size());
  }

  /// Its training alone takes seconds, the rest of the round a fraction of one.
  @Test
  void theEndOfTheRoundDoesNotInterruptTheLocalBaseline() throws Exception {
    startAll();
    aggregator.admit();
    commitRound(1, RunKind.TRAIN);

    aggregator.open(2, RunKind.EVALUATE, plan -> TestPlans.batches(plan, 5_000));
    aggregator.await("all are ready", () -> aggregator.ready().size() == SITES.size());
    aggregator.begin(SITES);
    finishSession();
    aggregator.commit();

    for (SiteId site : SITES) {
      aggregator.await(
          site + " has ended its rounds", () -> agent(site).status().rounds().isEmpty());
      aggregator.await(site + " has its baseline", () -> Files.exists(directory(site).baseline()));
    }
  }

  @Test
  void everyReleaseIsEnteredInTheSitesLedgerBeforeItIsSent() throws Exception {
    startAll();
    aggregator.admit();

    commitRound(1, RunKind.TRAIN);
    commitRound(2, RunKind.EVALUATE);

    for (SiteId site : SITES) {
      var statement = LedgerReport.read(directory(site)).statement();
      assertThat(statement.entries())
          .extracting(entry -> entry.action().getClass().getSimpleName())
          .containsExactly("Reserve", "Charge", "Reserve", "Charge");
      assertThat(statement.unbounded()).isEqualTo(2);
      assertThat(statement.committed()).isEmpty();
    }
  }

  @Test
  void aRoundWithDistributedNoiseInSixteenBitsIsSummedFollowedAndCharged() throws Exception {
    for (SiteId site : SITES) {
      Files.writeString(
          directory(site).path().resolve("policy.yaml"),
          TestSites.ANY_STUDY + "privacy: {epsilon: 8, delta: 1.0e-5}\n");
    }
    startAll();
    aggregator.admit();

    aggregator.open(1, RunKind.TRAIN, plan -> TestPlans.distributed(plan, 1, 16));
    aggregator.await("all are ready", () -> aggregator.ready().size() == SITES.size());
    aggregator.begin(SITES);
    finishSession();
    aggregator.commit();

    assertThat(aggregator.lastSum().layout().bits()).isEqualTo(16);
    assertThat(aggregator.lastSum().contributors()).isEqualTo(SITES.size());
    for (SiteId site : SITES) {
      var statement = LedgerReport.read(directory(site)).statement();
      assertThat(statement.committed().orElseThrow().epsilon()).isBetween(0.5, 8.0);
      aggregator.await(
          site + " followed the step",
          () ->
              Files.exists(
                  directory(site)
                      .state()
                      .resolve("models")
                      .resolve(TestAggregator.RUN.toString())
                      .resolve(
                          "1-%s.weights.safetensors"
                              .formatted(aggregator.version().digest().hex()))));
      assertThat(agent(site).status().problem()).isNull();
    }
  }

  @Test
  void aRoundWithRecordLevelPrivacyIsTrainedSummedAndCharged() throws Exception {
    for (SiteId site : SITES) {
      scaleByConstants(site);
      Files.writeString(
          directory(site).path().resolve("policy.yaml"),
          TestSites.ANY_STUDY + "privacy: {epsilon: 8, delta: 1.0e-5}\n");
    }
    startAll();
    aggregator.admit();

    aggregator.open(1, RunKind.TRAIN, plan -> TestPlans.recordLevel(plan, 1.5));
    aggregator.await("all are ready", () -> aggregator.ready().size() == SITES.size());
    aggregator.begin(SITES);
    finishSession();
    aggregator.commit();

    assertThat(aggregator.lastSum().contributors()).isEqualTo(SITES.size());
    assertThat(aggregator.lastSum().metrics()).isEmpty();
    for (var kind :
        List.of(
            VectorLayout.Kind.WEIGHT,
            VectorLayout.Kind.METRICS_LOSS,
            VectorLayout.Kind.METRICS_COUNTS,
            VectorLayout.Kind.ENERGY)) {
      assertThat(aggregator.lastSum().layout().block(kind).length()).as("block %s", kind).isZero();
    }
    for (SiteId site : SITES) {
      assertThat(aggregator.reports(site))
          .as("what %s says beside its vector", site)
          .allMatch(said -> said.hasPermitted() || said.hasProgress() || said.hasReady())
          .noneMatch(said -> said.getReady().getPartial());
      assertThat(directory(site).baseline()).doesNotExist();
      var statement = LedgerReport.read(directory(site)).statement();
      assertThat(statement.entries())
          .extracting(entry -> entry.action().getClass().getSimpleName())
          .containsExactly("Reserve", "Charge");
      assertThat(statement.unbounded()).isZero();
      assertThat(statement.committed()).isNotEmpty();
    }
  }

  @Test
  void aMappingThatScalesByItsOwnRowsRefusesRecordLevelPrivacy() throws Exception {
    startAll();
    aggregator.admit();

    aggregator.open(1, RunKind.TRAIN, plan -> TestPlans.recordLevel(plan, 1.5));

    aggregator.await("all refused", () -> SITES.stream().allMatch(this::hasRefused));
    assertThat(refusals(LAST))
        .singleElement()
        .asString()
        .contains("standardise: false", "center and scale");
  }

  @Test
  void twoHonestSitesDoWithRecordLevelPrivacy() throws Exception {
    for (SiteId site : SITES) {
      scaleByConstants(site);
    }
    startAll();
    aggregator.admit();

    aggregator.open(
        1, RunKind.TRAIN, plan -> TestPlans.twoHonest(TestPlans.recordLevel(plan, 1.5)));
    aggregator.await("all are ready", () -> aggregator.ready().size() == SITES.size());
    aggregator.begin(SITES);
    finishSession();
    aggregator.commit();

    assertThat(aggregator.lastSum().contributors()).isEqualTo(SITES.size());
  }

  @Test
  void aSiteWhosePolicyAsksForThreeHonestSitesRefusesTwo() throws Exception {
    scaleByConstants(LAST);
    Files.writeString(
        directory(LAST).path().resolve("policy.yaml"), TestSites.ANY_STUDY + "minHonest: 3\n");
    start(LAST);
    aggregator.admit();

    aggregator.open(
        1, RunKind.TRAIN, plan -> TestPlans.twoHonest(TestPlans.recordLevel(plan, 1.5)));

    aggregator.await("the site refuses", () -> hasRefused(LAST));
    assertThat(refusals(LAST))
        .containsExactly(
            "minHonest 2: this site demands >= 3; its policy sets minHonestRecordLevel");
  }

  /// The budget holds one of the rounds and a twentieth of its ε more.
  @Test
  void aRoundOverTheLifetimeBudgetIsRefusedWithoutTellingWhatIsLeft() throws Exception {
    double once =
        PrivacyAccountant.deciding()
            .epsilon(List.of(new PoissonGaussian(1.2, 0.1, 10)), 1e-5)
            .epsilon();
    for (SiteId site : SITES) {
      scaleByConstants(site);
      Files.writeString(
          directory(site).path().resolve("policy.yaml"),
          TestSites.ANY_STUDY + "privacy: {epsilon: %s, delta: 1.0e-5}\n".formatted(1.05 * once));
    }
    startAll();
    aggregator.admit();
    aggregator.open(1, RunKind.TRAIN, plan -> TestPlans.recordLevel(plan, 1.2));
    aggregator.await("all are ready", () -> aggregator.ready().size() == SITES.size());
    aggregator.begin(SITES);
    finishSession();
    aggregator.commit();
    var charged = LedgerReport.read(directory(LAST)).statement();
    assertThat(charged.charged().orElseThrow().epsilon()).isEqualTo(once);

    aggregator.open(2, RunKind.TRAIN, plan -> TestPlans.recordLevel(plan, 1.2));

    aggregator.await("all refused", () -> SITES.stream().allMatch(this::hasRefused));
    assertThat(refusals(LAST))
        .containsExactly(
            "privacy: the lifetime budget of this site's data does not hold this round; its policy"
                + " sets privacy.epsilon");
    assertThat(refusals(LAST).getFirst()).doesNotContainPattern("[0-9]");
    assertThat(LedgerReport.read(directory(LAST)).statement()).isEqualTo(charged);
    restart(LAST);
    assertThat(LedgerReport.read(directory(LAST)).statement()).isEqualTo(charged);
  }

  private void scaleByConstants(SiteId site) throws Exception {
    var mapping = directory(site).path().resolve("mapping.yaml");
    Files.writeString(mapping, Files.readString(mapping) + "standardise: false\n");
  }

  @Test
  void aSiteWithAPrivacyBudgetRefusesARoundWithoutDifferentialPrivacy() throws Exception {
    Files.writeString(
        directory(LAST).path().resolve("policy.yaml"),
        TestSites.ANY_STUDY + "privacy: {epsilon: 2}\n");
    startAll();
    aggregator.admit();
    aggregator.open(1, RunKind.TRAIN);

    aggregator.await(
        "the last site refuses",
        () -> aggregator.reports(LAST).stream().anyMatch(ReportRequest::hasRefused));

    assertThat(aggregator.reports(LAST))
        .filteredOn(ReportRequest::hasRefused)
        .allSatisfy(report ->
            assertThat(report.getRefused().getReasonsList().toString())
                .contains("with differential privacy only"));
    assertThat(LedgerReport.read(directory(LAST)).statement().entries()).isEmpty();
  }

  @Test
  void anAgentThatIsKilledWhenReadyTakesPartWithTheSameUpdate() throws Exception {
    startAll();
    aggregator.admit();
    aggregator.open(1, RunKind.TRAIN);
    aggregator.await("all are ready", () -> aggregator.ready().size() == SITES.size());
    Map<String, Digest> before = storedUpdates(LAST);

    restart(LAST);
    aggregator.begin(SITES);
    finishSession();

    assertThat(storedUpdates(LAST)).isEqualTo(before).isNotEmpty();
    aggregator.commit();
    assertThat(aggregator.version().origin().orElseThrow().participants())
        .containsExactlyElementsOf(SITES);
  }

  @Test
  void anAgentThatIsKilledInTrainingGoesOnAndReportsReady() throws Exception {
    startAll();
    aggregator.admit();
    aggregator.open(1, RunKind.TRAIN);
    aggregator.await(
        "the last site was asked",
        () -> aggregator.reports(LAST).stream().anyMatch(ReportRequest::hasPermitted));

    restart(LAST);

    aggregator.await("all are ready", () -> aggregator.ready().size() == SITES.size());
  }

  @Test
  void anAgentThatIsKilledBetweenSharesAndUploadGoesOnInTheSameSession() throws Exception {
    startAll();
    aggregator.admit();
    RoundPlan plan = aggregator.open(1, RunKind.TRAIN);
    aggregator.await("all are ready", () -> aggregator.ready().size() == SITES.size());
    aggregator.withhold((site, kind) -> site.equals(LAST) && kind == SignedView.Kind.SHARES);
    aggregator.begin(SITES);
    aggregator.await(
        "the others delivered",
        () -> SITES.stream().filter(aggregator::deliveredInput).count() == SITES.size() - 1);

    restart(LAST);

    assertThat(aggregator.openLocks(LAST)).containsExactly(plan.terms().digest());
    assertThat(agent(LAST).status().inDoubt()).isZero();
    aggregator.withhold((site, kind) -> false);
    finishSession();
    aggregator.commit();
    assertThat(aggregator.version().origin().orElseThrow().participants())
        .containsExactlyElementsOf(SITES);
    aggregator.await("the summed update is erased", () -> storedUpdates(LAST).isEmpty());
    assertThat(agent(LAST).status().inDoubt()).isZero();
  }

  @Test
  void agentsThatAreKilledBetweenKeysAndSharesGoOnInTheSameSession() throws Exception {
    startAll();
    aggregator.admit();
    aggregator.open(1, RunKind.TRAIN);
    aggregator.await("all are ready", () -> aggregator.ready().size() == SITES.size());
    aggregator.withhold((site, kind) -> kind == SignedView.Kind.KEYS);
    aggregator.begin(SITES);
    aggregator.await(
        "all advertised", () -> aggregator.state() == ServerSession.State.SHARING_KEYS);

    for (SiteId site : SITES) {
      restart(site);
    }

    aggregator.withhold((site, kind) -> false);
    finishSession();
    aggregator.commit();
    assertThat(aggregator.version().origin().orElseThrow().participants())
        .containsExactlyElementsOf(SITES);
  }

  @Test
  void agentsThatAreKilledBetweenVoteAndAnswerGoOnInTheSameSession() throws Exception {
    startAll();
    aggregator.admit();
    aggregator.open(1, RunKind.TRAIN);
    aggregator.await("all are ready", () -> aggregator.ready().size() == SITES.size());
    aggregator.withhold((site, kind) -> kind == SignedView.Kind.CERTIFICATE);
    aggregator.begin(SITES);
    aggregator.await("all voted", () -> aggregator.state() == ServerSession.State.UNMASKING);

    for (SiteId site : SITES) {
      restart(site);
      assertThat(agent(site).status().inDoubt()).isEqualTo(1);
    }

    aggregator.withhold((site, kind) -> false);
    finishSession();
    aggregator.commit();
    assertThat(aggregator.version().origin().orElseThrow().participants())
        .containsExactlyElementsOf(SITES);
    aggregator.await("the doubt is gone", () -> agent(LAST).status().inDoubt() == 0);
  }

  @Test
  void anAgentThatIsKilledAfterItsUploadIsInDoubtUntilTheCertificate() throws Exception {
    startAll();
    aggregator.admit();
    RoundPlan plan = aggregator.open(1, RunKind.TRAIN);
    aggregator.await("all are ready", () -> aggregator.ready().size() == SITES.size());
    aggregator.withhold((site, kind) -> kind == SignedView.Kind.HEADERS);
    aggregator.begin(SITES);
    aggregator.await("all delivered", () -> SITES.stream().allMatch(aggregator::deliveredInput));

    restart(LAST);

    assertThat(aggregator.openLocks(LAST)).containsExactly(plan.terms().digest());
    assertThat(agent(LAST).status().inDoubt()).isEqualTo(1);
    aggregator.withhold((site, kind) -> false);
    finishSession();
    aggregator.commit();
    assertThat(aggregator.version().origin().orElseThrow().participants())
        .containsExactlyElementsOf(SITES);
    aggregator.await("the doubt is gone", () -> agent(LAST).status().inDoubt() == 0);
    aggregator.await("the round has ended", () -> agent(LAST).status().rounds().isEmpty());
  }

  @Test
  void anAgentThatIsKilledBeforeItsAnswerGotThroughRepeatsIt() throws Exception {
    startAll();
    aggregator.admit();
    aggregator.open(1, RunKind.TRAIN);
    aggregator.await("all are ready", () -> aggregator.ready().size() == SITES.size());
    aggregator.withhold((site, kind) -> kind == SignedView.Kind.CERTIFICATE && !site.equals(LAST));
    aggregator.loseAnswersOf(LAST);
    aggregator.begin(SITES);
    aggregator.await("the answer is lost", () -> aggregator.lostAnswerOf(LAST));
    agent(LAST).close();
    aggregator.loseAnswersOf(null);
    aggregator.forgetGreeting(LAST);

    start(LAST);

    aggregator.await("the answer came", () -> aggregator.answered(LAST));
    aggregator.withhold((site, kind) -> false);
    finishSession();
    aggregator.commit();
    assertThat(aggregator.version().origin().orElseThrow().participants())
        .containsExactlyElementsOf(SITES);
  }

  @Test
  void aSessionOfAnotherFederationEpochIsRefusedAndTheAggregatorIsTold() throws Exception {
    startAll();
    aggregator.admit();
    aggregator.open(1, RunKind.TRAIN);
    aggregator.await("all are ready", () -> aggregator.ready().size() == SITES.size());

    aggregator.begin(SITES, 2);

    aggregator.await(
        "all refused",
        () ->
            SITES.stream()
                .allMatch(site ->
                    aggregator.reports(site).stream()
                        .anyMatch(said ->
                            said.hasFailed()
                                && said.getFailed().getCode().equals("session")
                                && said.getFailed().getDetail().equals("MISMATCH"))));
    assertThat(aggregator.state()).isEqualTo(ServerSession.State.ADVERTISING_KEYS);
  }

  @Test
  void killedAgentsLeaveTheSameModelToTheBit() throws Exception {
    startAll();
    aggregator.admit();
    commitRound(1, RunKind.TRAIN);
    float[] undisturbed = aggregator.weights();
    stop();
    agents.clear();
    folder = Files.createDirectories(folder.resolve("again"));
    join();

    startAll();
    aggregator.admit();
    aggregator.open(1, RunKind.TRAIN);
    for (SiteId site : SITES) {
      restart(site);
    }
    aggregator.await("all are ready", () -> aggregator.ready().size() == SITES.size());
    restart(LAST);
    aggregator.begin(SITES);
    finishSession();
    aggregator.commit();

    assertThat(aggregator.weights()).isEqualTo(undisturbed);
  }

  @Test
  void anAbandonedRoundsUpdateIsOfferedAgainAndNotMadeAnew() throws Exception {
    startAll();
    aggregator.admit();
    aggregator.open(1, RunKind.TRAIN);
    aggregator.await("all are ready", () -> aggregator.ready().size() == SITES.size());
    Map<String, Digest> before = storedUpdates(LAST);
    aggregator.abandon("test");

    aggregator.open(2, RunKind.TRAIN);
    aggregator.await("all are ready again", () -> aggregator.ready().size() == SITES.size());

    assertThat(storedUpdates(LAST)).isEqualTo(before).isNotEmpty();
    assertThat(aggregator.reports(LAST)).noneMatch(ReportRequest::hasProgress);
  }

  @Test
  void anUpdateUnderOtherTermsIsNotMadeForTheSameBase() throws Exception {
    startAll();
    aggregator.admit();
    aggregator.open(1, RunKind.TRAIN);
    aggregator.await("all are ready", () -> aggregator.ready().size() == SITES.size());
    aggregator.abandon("test");

    aggregator.open(2, RunKind.TRAIN, plan -> TestPlans.withPurpose(plan, "another"));

    aggregator.await("all refused", () -> SITES.stream().allMatch(this::hasRefused));
    assertThat(refusals(LAST)).anyMatch(reason -> reason.startsWith("terms "));
  }

  @Test
  void aModelThatDoesNotFollowIsNotTrainedFrom() throws Exception {
    startAll();
    aggregator.admit();
    aggregator.forgeVersion();

    aggregator.open(1, RunKind.TRAIN);

    aggregator.await(
        "all failed",
        () ->
            SITES.stream()
                .allMatch(site ->
                    aggregator.reports(site).stream()
                        .anyMatch(said ->
                            said.hasFailed()
                                && said.getFailed().getCode().equals("does-not-follow"))));
    assertThat(aggregator.ready()).isEmpty();
  }

  @Test
  void aPlanBelowTheSitesFloorsIsRefusedWithEveryReason() throws Exception {
    startAll();
    aggregator.admit();

    aggregator.open(1, RunKind.TRAIN, plan -> TestPlans.withoutCollusion(plan));

    aggregator.await("all refused", () -> SITES.stream().allMatch(this::hasRefused));
    assertThat(refusals(LAST))
        .anyMatch(reason -> reason.contains("membership version 1 demands >= 1"))
        .anyMatch(reason -> reason.contains("this site demands >= 1"));
  }

  @Test
  void aFetchThatBreaksOffGoesOnWhereItWas() throws Exception {
    startAll();
    aggregator.admit();
    aggregator.breakFetchesOfSums();

    commitRound(1, RunKind.TRAIN);

    for (SiteId site : SITES) {
      aggregator.await(site + " has verified", () -> agent(site).status().rounds().isEmpty());
    }
    assertThat(aggregator.fetchedFrom(aggregator.version().origin().orElseThrow().sum()))
        .contains(0L)
        .anyMatch(offset -> offset > 0);
  }

  /// The trace is written anew in the middle of training, so the test waits for no second of it.
  @Test
  void aTraceThatClosesTheGateInTrainingPausesTheSiteUntilItOpensAgain() throws Exception {
    Path trace = directory(LAST).path().resolve("trace.csv");
    Files.writeString(trace, "0,grid,1\n0,warm,1\n");
    resources(LAST, "pause");
    startAll();
    aggregator.admit();
    aggregator.open(1, RunKind.TRAIN, plan -> TestPlans.batches(plan, 1_500));
    aggregator.await(
        "the last site trains",
        () -> aggregator.reports(LAST).stream().anyMatch(ReportRequest::hasProgress));

    Files.writeString(trace, "0,grid,0\n86400,grid,1\n0,warm,1\n");

    aggregator.await("the last site says that it is paused", () -> hasPaused(LAST));
    var paused =
        aggregator.reports(LAST).stream().filter(ReportRequest::hasPaused).toList().getFirst();
    assertThat(paused.getPaused().getReason()).isEqualTo("no power");
    assertThat(Instant.ofEpochMilli(paused.getPaused().getExpectedUntilUnixMs()))
        .isCloseTo(Instant.now().plus(1, ChronoUnit.DAYS), within(1, ChronoUnit.HOURS));
    assertThat(aggregator.ready()).doesNotContain(LAST);
    var status = agent(LAST).status();
    assertThat(status.rounds())
        .singleElement()
        .satisfies(round -> {
          assertThat(round.phase()).isEqualTo(AgentStatus.Phase.PAUSED);
          assertThat(round.reason()).isEqualTo("no power");
        });
    assertThat(status.resources().decision()).isEqualTo("PAUSE");
    assertThat(status.resources().reasons())
        .containsExactly("grid: demo/grid is 0.0, below 1.0", "warm: demo/warm is 1.0, above 0.0");
    assertThat(status.resources().nextWindow()).isNotNull();
    assertThat(directory(LAST).state().resolve("checkpoints"))
        .isDirectoryContaining("glob:**.checkpoint");
    assertThat(agent(LAST).workLeft()).isTrue();

    Files.writeString(trace, "0,grid,1\n0,warm,0\n");

    aggregator.await("all are ready", () -> aggregator.ready().size() == SITES.size());
    var said = aggregator.reports(LAST);
    assertThat(said.subList(said.indexOf(paused), said.size()))
        .as("after the pause")
        .anyMatch(ReportRequest::hasProgress);
    aggregator.begin(SITES);
    finishSession();
    aggregator.commit();
    assertThat(aggregator.version().origin().orElseThrow().participants())
        .containsExactlyElementsOf(SITES);
    assertThat(agent(LAST).status().resources().decision()).isEqualTo("RUN");
  }

  @Test
  void aSiteWhoseGateIsClosedFinishesTheSessionThatItIsIn() throws Exception {
    Path trace = directory(LAST).path().resolve("trace.csv");
    Files.writeString(trace, "0,grid,1\n0,warm,0\n");
    resources(LAST, "pause");
    startAll();
    aggregator.admit();
    aggregator.open(1, RunKind.TRAIN);
    aggregator.await("all are ready", () -> aggregator.ready().size() == SITES.size());

    Files.writeString(trace, "0,grid,0\n0,warm,0\n");
    aggregator.await(
        "the gate is closed", () -> agent(LAST).status().resources().decision().equals("PAUSE"));
    aggregator.begin(SITES);
    finishSession();
    aggregator.commit();

    assertThat(aggregator.version().origin().orElseThrow().participants())
        .containsExactlyElementsOf(SITES);
    aggregator.open(2, RunKind.TRAIN);
    aggregator.await("the next round waits at the gate", () -> hasPaused(LAST));
    assertThat(aggregator.reports(LAST)).noneMatch(ReportRequest::hasProgress);
  }

  @Test
  void aSiteThatIsToDrainSavesItsTrainingAndTheNextProcessGoesOn() throws Exception {
    Path trace = directory(LAST).path().resolve("trace.csv");
    Files.writeString(trace, "0,grid,1\n0,warm,1\n");
    resources(LAST, "drain");
    start(LAST);
    aggregator.admit();
    aggregator.open(1, RunKind.TRAIN, plan -> TestPlans.batches(plan, 1_500));
    aggregator.await(
        "the last site has trained a tenth",
        () ->
            aggregator.reports(LAST).stream().anyMatch(said -> said.getProgress().getTenths() > 0));

    Files.writeString(trace, "0,grid,0\n0,warm,1\n");

    assertThat(agent(LAST).awaitDrained()).isTrue();
    assertThat(agent(LAST).draining()).isTrue();
    assertThat(aggregator.reports(LAST).getLast().getPaused().getReason()).isEqualTo("no power");
    int before = aggregator.reports(LAST).size();
    restart(LAST);
    aggregator.await(
        "the new process waits where it would drain",
        () -> aggregator.reports(LAST).stream().skip(before).anyMatch(ReportRequest::hasPaused));
    assertThat(agent(LAST).draining()).isFalse();
    Files.writeString(trace, "0,grid,1\n0,warm,0\n");
    aggregator.await("the site is ready", () -> aggregator.ready().contains(LAST));
    var tenths =
        aggregator.reports(LAST).stream()
            .skip(before)
            .filter(ReportRequest::hasProgress)
            .map(said -> said.getProgress().getTenths())
            .toList();
    assertThat(tenths.subList(1, tenths.size()))
        .as("goes on from its checkpoint")
        .doesNotContain(0);
  }

  /// A rule on the signal `grid` of the site's `trace.csv`, and one on `warm`, which makes a
  /// training last.
  private void resources(SiteId site, String decision) throws Exception {
    Files.writeString(
        directory(site).path().resolve("resources.yaml"),
        """
        every: 50ms
        sources: {demo: {trace: {file: trace.csv}}}
        rules:
          - {name: grid, signal: demo/grid, below: 1, decision: %s, because: power,
             after: 0s, back: 0s, staleAfter: 30s}
          - {name: warm, signal: demo/warm, above: 0, decision: throttle, dutyCycle: 0.1,
             because: heat, after: 0s, back: 0s, staleAfter: 30s}
        """
            .formatted(decision));
  }

  private boolean hasPaused(SiteId site) {
    return aggregator.reports(site).stream().anyMatch(ReportRequest::hasPaused);
  }

  @Test
  void neitherDataNorUpdateNorSecretLeavesASite() throws Exception {
    var left = new Recorder();
    for (SiteId site : SITES.subList(0, 4)) {
      start(site);
    }
    start(LAST, List.of(left));
    aggregator.admit();
    aggregator.open(1, RunKind.TRAIN);
    aggregator.await("all are ready", () -> aggregator.ready().size() == SITES.size());
    byte[] stored = Files.readAllBytes(onlyUpdate(LAST));
    aggregator.begin(SITES);
    finishSession();
    aggregator.commit();

    byte[] all = left.bytes();
    assertThat(left.messages()).contains("UploadChunk", "SendRequest", "ReportRequest");
    int searched = 0;
    for (int at = 0; at + 8 <= stored.length; at += 4) {
      byte[] window = Arrays.copyOfRange(stored, at, at + 8);
      if (!isQuiet(window)) {
        searched++;
        assertThat(contains(all, window)).as("bytes %d.. of the stored update", at).isFalse();
      }
    }
    assertThat(searched).isGreaterThan(8);
    assertThat(contains(all, Files.readAllBytes(directory(LAST).keys().resolve("site.secret"))))
        .isFalse();
    for (String line : Files.readAllLines(directory(LAST).path().resolve("data.csv"))) {
      for (String cell : line.split(",")) {
        if (cell.length() > 6) {
          assertThat(contains(all, cell.getBytes(StandardCharsets.US_ASCII))).isFalse();
        }
      }
    }
  }

  /// Too many zeros or letters to be an update's own: the file's head, and blocks of zeros.
  private static boolean isQuiet(byte[] window) {
    int quiet = 0;
    for (byte each : window) {
      quiet += each == 0 || each == -1 || (each >= '0' && each <= 'z') ? 1 : 0;
    }
    return quiet >= 4;
  }

  private static boolean contains(byte[] all, byte[] part) {
    String text = new String(all, StandardCharsets.ISO_8859_1);
    return text.contains(new String(part, StandardCharsets.ISO_8859_1));
  }

  private Path onlyUpdate(SiteId site) {
    return directory(site)
        .state()
        .resolve("updates")
        .resolve(storedUpdates(site).keySet().iterator().next());
  }

  @Test
  void aCertificateThatSoonEndsIsRenewedAndUsed() throws Exception {
    Path certificate = directory(LAST).keys().resolve("tls.crt");
    String before = Files.readString(certificate);

    startAll();
    aggregator.admit();
    commitRound(1, RunKind.TRAIN);

    assertThat(Files.readString(certificate)).isNotEqualTo(before);
    assertThat(agent(LAST).status().problem()).isNull();
  }

  @Test
  void aSiteThatIsShutOutSaysSoAndReturnsOnceItIsLetIn() throws Exception {
    aggregator.shutOut(LAST, true);
    Agent agent = Agent.open(directory(LAST), Clock.systemUTC(), List.of());
    agents.put(LAST, agent);
    Thread.ofVirtual().start(agent::run);
    aggregator.await("the site knows", () -> agent.status().state() == AgentStatus.State.REVOKED);
    assertThat(agent.status().connected()).isFalse();
    assertThat(agent.status().problem()).contains("revoked");

    aggregator.shutOut(LAST, false);

    aggregator.await("the site is back", () -> agent.status().connected());
    assertThat(agent.status().state()).isEqualTo(AgentStatus.State.PENDING);
  }

  @Test
  void twoAgentsCannotShareADirectory() throws Exception {
    start(LAST);

    assertThatThrownBy(() -> Agent.open(directory(LAST), Clock.systemUTC(), List.of()))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("another agent runs in");
  }

  private void commitRound(int number, RunKind kind) throws Exception {
    aggregator.open(number, kind);
    aggregator.await("all are ready", () -> aggregator.ready().size() == SITES.size());
    aggregator.begin(SITES);
    finishSession();
    aggregator.commit();
  }

  private void finishSession() throws Exception {
    aggregator.await("the session is done", () -> aggregator.state() == ServerSession.State.DONE);
  }

  private boolean hasRefused(SiteId site) {
    return aggregator.reports(site).stream().anyMatch(ReportRequest::hasRefused);
  }

  private List<String> refusals(SiteId site) {
    return aggregator.reports(site).stream()
        .filter(ReportRequest::hasRefused)
        .flatMap(said -> said.getRefused().getReasonsList().stream())
        .toList();
  }

  private void startAll() throws Exception {
    for (SiteId site : SITES) {
      start(site);
    }
  }

  private void start(SiteId site) throws Exception {
    start(site, List.of());
  }

  private void start(SiteId site, List<ClientInterceptor> interceptors) throws Exception {
    Agent agent = Agent.open(directory(site), Clock.systemUTC(), interceptors);
    agents.put(site, agent);
    Thread.ofVirtual().start(agent::run);
    aggregator.await(site + " said hello", () -> aggregator.greeted(site));
  }

  private void restart(SiteId site) throws Exception {
    agent(site).close();
    aggregator.forgetGreeting(site);
    start(site);
  }

  private Agent agent(SiteId site) {
    Agent agent = agents.get(site);
    if (agent == null) {
      throw new IllegalStateException(site + " was not started");
    }
    return agent;
  }

  private SiteDirectory directory(SiteId site) {
    return new SiteDirectory(folder.resolve(site.value()));
  }

  private Map<String, Digest> storedUpdates(SiteId site) {
    var updates = new HashMap<String, Digest>();
    try (var files = Files.list(directory(site).state().resolve("updates"))) {
      for (Path file : files.filter(path -> path.toString().endsWith(".z")).toList()) {
        updates.put(file.getFileName().toString(), Digest.of(Files.readAllBytes(file)));
      }
    } catch (java.io.IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
    return updates;
  }

  private void join(SiteId site) throws Exception {
    TestSites.join(aggregator, directory(site), site);
  }
}
