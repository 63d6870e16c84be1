package dev.comity.agent.participation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comity.agent.AgentCommandLine;
import dev.comity.plan.PlanCodec;
import dev.comity.plan.RoundPlan;
import dev.comity.plan.RunKind;
import dev.comity.plan.SiteId;
import dev.comity.protocol.v1.ReportRequest;
import dev.comity.session.ServerSession;
import dev.comity.session.SignedMessage;
import dev.comity.session.SignedView;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What the people of one site decide while its agent and the others take part: the last of five
/// sites asks an officer, leaves, or has a dead clock.
class SiteDecisionsTest {
  private static final List<SiteId> SITES =
      List.of(
          new SiteId("s1"), new SiteId("s2"), new SiteId("s3"), new SiteId("s4"), new SiteId("s5"));
  private static final SiteId LAST = SITES.getLast();
  private static final String RUN = TestAggregator.RUN.toString();

  @TempDir Path folder;
  private TestAggregator aggregator;
  private final Map<SiteId, Agent> agents = new HashMap<>();
  private final SetClock clock = new SetClock();

  /// Runs behind or ahead as a test says.
  private static final class SetClock extends Clock {
    private volatile Duration offset = Duration.ZERO;

    @Override
    public Instant instant() {
      return Instant.now().plus(offset);
    }

    @Override
    public ZoneId getZone() {
      return ZoneOffset.UTC;
    }

    @Override
    public Clock withZone(ZoneId zone) {
      return this;
    }
  }

  @BeforeEach
  void join() throws Exception {
    aggregator = new TestAggregator(Files.createDirectories(folder.resolve("spool")));
    for (SiteId site : SITES) {
      TestSites.join(aggregator, directory(site), site);
    }
  }

  @AfterEach
  void stop() {
    agents.values().forEach(Agent::close);
    aggregator.close();
  }

  @Test
  void aRunWaitsForTheOfficerAndGoesOnOnceItIsGranted() throws Exception {
    askOfficer();
    startAll();
    aggregator.admit();
    RoundPlan plan = aggregator.open(1, RunKind.TRAIN);
    aggregator.await("the others are ready", () -> aggregator.ready().size() == SITES.size() - 1);
    aggregator.await("the last site waits", () -> waits(LAST));
    assertThat(aggregator.reports(LAST)).as("said to the aggregator").isEmpty();
    assertThat(LedgerReport.read(directory(LAST)).statement().entries()).isEmpty();
    var listed = command("approvals", "list");
    assertThat(listed.out())
        .contains(
            "run %s: waits".formatted(RUN),
            "study    study",
            "purpose  test",
            "columns  a, b, y",
            "cohort   5 sites, 3 honest, 1 may collude",
            "no differential privacy");
    assertThat(explain(plan).exitCode()).isEqualTo(4);
    assertThat(command("policy", "explain", RUN).out())
        .contains("The plan would wait for an officer");

    assertThat(command("approvals", "grant", RUN).out()).contains("granted: run " + RUN);

    aggregator.await("all are ready", () -> aggregator.ready().size() == SITES.size());
    assertThat(command("approvals", "list").out()).contains("nothing waits");
    assertThat(command("approvals", "list", "--all").out()).contains("granted it at");
    assertThat(explain(plan).exitCode()).isZero();
    sumAndCommit();
    aggregator.open(2, RunKind.TRAIN);
    aggregator.await("all are ready again", () -> aggregator.ready().size() == SITES.size());
  }

  @Test
  void aDecisionThatWasMadeWhileTheAgentWasStoppedHolds() throws Exception {
    askOfficer();
    startAll();
    aggregator.admit();
    aggregator.open(1, RunKind.TRAIN);
    aggregator.await("the last site waits", () -> waits(LAST));
    agent(LAST).close();
    command("approvals", "grant", RUN);
    aggregator.forgetGreeting(LAST);

    start(LAST);

    aggregator.await("all are ready", () -> aggregator.ready().size() == SITES.size());
  }

  @Test
  void aPlanOfTheRunThatChangedWaitsAgain() throws Exception {
    askOfficer();
    startAll();
    aggregator.admit();
    aggregator.open(1, RunKind.TRAIN);
    aggregator.await("the last site waits", () -> waits(LAST));
    command("approvals", "grant", RUN);
    aggregator.await("all are ready", () -> aggregator.ready().size() == SITES.size());
    sumAndCommit();
    aggregator.await("the round has ended", () -> agent(LAST).status().rounds().isEmpty());

    aggregator.open(2, RunKind.TRAIN, plan -> TestPlans.withPurpose(plan, "something else"));

    aggregator.await("the last site waits again", () -> waits(LAST));
    assertThat(command("approvals", "list").out()).contains("purpose  something else");
  }

  @Test
  void whatAnOfficerDeniedIsRefusedAndTheReasonStays() throws Exception {
    askOfficer();
    startAll();
    aggregator.admit();
    RoundPlan plan = aggregator.open(1, RunKind.TRAIN);
    aggregator.await("the last site waits", () -> waits(LAST));

    command("approvals", "deny", RUN, "--reason", "the minister said no");

    aggregator.await("the site refuses", () -> hasRefused(LAST));
    assertThat(refusals(LAST)).containsExactly("approval: an officer of this site denied it");
    assertThat(explain(plan).exitCode()).isEqualTo(3);
    assertThat(explain(plan).out()).contains("the minister said no");
  }

  @Test
  void aDenialTellsItsReasonWhenTheOfficerSaysSo() throws Exception {
    askOfficer();
    startAll();
    aggregator.admit();
    aggregator.open(1, RunKind.TRAIN);
    aggregator.await("the last site waits", () -> waits(LAST));

    assertThat(command("approvals", "deny", RUN, "--tell").exitCode()).isEqualTo(2);
    command("approvals", "deny", RUN, "--reason", "no forms yet", "--tell");

    aggregator.await("the site refuses", () -> hasRefused(LAST));
    assertThat(refusals(LAST))
        .containsExactly("approval: an officer of this site denied it: no forms yet");
  }

  @Test
  void explainNamesWhatARefusalWouldBeFor() throws Exception {
    policy("studies: [{study: study, purposes: [research], columns: [a, y], approval: none}]\n");
    startAll();
    aggregator.admit();
    RoundPlan plan = aggregator.open(1, RunKind.TRAIN);
    aggregator.await("the last site refuses", () -> hasRefused(LAST));

    var explained = explain(plan);
    var json = command("policy", "explain", planFile(plan).toString(), "--json");

    assertThat(explained.exitCode()).isEqualTo(3);
    assertThat(explained.out())
        .contains(
            "NO    studies.purposes",
            "purpose \"test\": study study is permitted for research",
            "NO    studies.columns",
            "NO    share.metrics",
            "ok    minHonest",
            "This site would refuse.");
    assertThat(json.exitCode()).isEqualTo(3);
    assertThat(json.out()).contains("\"outcome\" : \"REFUSED\"", "\"rule\" : \"share.metrics\"");
    assertThat(refusals(LAST)).hasSize(3).noneMatch(reason -> reason.contains("research"));
  }

  @Test
  void aStudyThatTheRunningAgentLeavesIsErasedAndRefusedForGood() throws Exception {
    startAll();
    aggregator.admit();
    aggregator.open(1, RunKind.TRAIN);
    aggregator.await("all are ready", () -> aggregator.ready().size() == SITES.size());
    assertThat(storedUpdates()).hasSize(1);

    var left = command("withdraw", "--study", "study");

    assertThat(left.out()).contains("left study study; the running agent erases");
    aggregator.await("the update is erased", () -> storedUpdates().isEmpty());
    aggregator.await("the site refuses", () -> hasRefused(LAST));
    assertThat(refusals(LAST))
        .containsExactly("withdrawn: this site has left study study for good");
    aggregator.await(
        "the reservation is given back", () -> actions().equals(List.of("Reserve", "Release")));
    aggregator.abandon("test");
    aggregator.open(2, RunKind.TRAIN);
    aggregator.await("the site refuses again", () -> hasRefused(LAST));
    restart(LAST);
    aggregator.abandon("test");
    aggregator.open(3, RunKind.TRAIN);
    aggregator.await("and after a restart", () -> hasRefused(LAST));
    assertThat(storedUpdates()).isEmpty();
  }

  @Test
  void aRunThatIsLeftWhileNoAgentRunsIsErasedByTheCommand() throws Exception {
    startAll();
    aggregator.admit();
    aggregator.open(1, RunKind.TRAIN);
    aggregator.await("all are ready", () -> aggregator.ready().size() == SITES.size());
    agent(LAST).close();

    var left = command("withdraw", "--run", RUN);

    assertThat(left.out())
        .contains("left run " + RUN)
        .containsPattern("erased, in no sum +1 updates")
        .containsPattern("sent, whether summed not known +0 updates");
    assertThat(storedUpdates()).isEmpty();
    assertThat(actions()).containsExactly("Reserve", "Release");
    assertThat(command("withdraw", "--run", RUN).exitCode()).isZero();
    assertThat(actions()).containsExactly("Reserve", "Release");
    aggregator.forgetGreeting(LAST);
    start(LAST);
    aggregator.await("the site refuses", () -> hasRefused(LAST));
  }

  @Test
  void anUpdateWhoseMaskedVectorWasSentIsNotRecalled() throws Exception {
    startAll();
    aggregator.admit();
    aggregator.open(1, RunKind.TRAIN);
    aggregator.await("all are ready", () -> aggregator.ready().size() == SITES.size());
    aggregator.withhold((site, kind) -> kind == SignedView.Kind.HEADERS);
    aggregator.begin(SITES);
    aggregator.await("all delivered", () -> SITES.stream().allMatch(aggregator::deliveredInput));
    agent(LAST).close();

    var left = command("withdraw", "--study", "study");

    assertThat(left.out())
        .containsPattern("erased, in no sum +0 updates")
        .containsPattern("sent, whether summed not known +1 updates");
    assertThat(storedUpdates()).isEmpty();
    assertThat(actions()).containsExactly("Reserve", "Charge");
    aggregator.forgetGreeting(LAST);
    start(LAST);
    aggregator.withhold((site, kind) -> false);
    sumAndCommit();
    assertThat(aggregator.version().origin().orElseThrow().participants())
        .containsExactlyElementsOf(SITES);
    aggregator.await("the doubt is gone", () -> agent(LAST).status().inDoubt() == 0);
    assertThat(actions()).containsExactly("Reserve", "Charge");
  }

  @Test
  void aSiteThatLeavesInASessionBeforeItsMaskedVectorIsNotInTheSum() throws Exception {
    startAll();
    aggregator.admit();
    aggregator.open(1, RunKind.TRAIN);
    aggregator.await("all are ready", () -> aggregator.ready().size() == SITES.size());
    aggregator.withhold((site, kind) -> site.equals(LAST) && kind == SignedView.Kind.SHARES);
    aggregator.begin(SITES);
    aggregator.await(
        "the others delivered",
        () -> SITES.stream().filter(aggregator::deliveredInput).count() == SITES.size() - 1);

    command("withdraw", "--run", RUN);

    aggregator.await("the update is erased", () -> storedUpdates().isEmpty());
    aggregator.await("the reservation is given back", () -> actions().getLast().equals("Release"));
    aggregator.withhold((site, kind) -> false);
    aggregator.deadline(SignedMessage.Phase.MASKED_INPUT);
    sumAndCommit();
    assertThat(aggregator.version().origin().orElseThrow().participants())
        .containsExactlyElementsOf(SITES.subList(0, SITES.size() - 1));
  }

  @Test
  void aClockBehindTheLedgerWaitsForTime() throws Exception {
    startAll();
    aggregator.admit();
    aggregator.open(1, RunKind.TRAIN);
    aggregator.await("all are ready", () -> aggregator.ready().size() == SITES.size());
    agent(LAST).close();
    aggregator.forgetGreeting(LAST);
    clock.offset = Duration.ofDays(-400);

    Agent agent = Agent.open(directory(LAST), clock, List.of());
    agents.put(LAST, agent);
    Thread.ofVirtual().start(agent::run);

    aggregator.await(
        "the site says why",
        () -> {
          String problem = agent.status().problem();
          return problem != null && problem.contains("when the privacy ledger was last written");
        });
    assertThat(agent.status().connected()).isFalse();
    assertThat(aggregator.greeted(LAST)).isFalse();

    agent.close();
    Instant last = LedgerReport.read(directory(LAST)).statement().entries().getLast().at();
    clock.offset = Duration.between(Instant.now(), last.minusMillis(800));
    Agent nearly = Agent.open(directory(LAST), clock, List.of());
    agents.put(LAST, nearly);
    Thread.ofVirtual().start(nearly::run);
    aggregator.await("time has passed the entry", () -> aggregator.greeted(LAST));
    assertThat(clock.instant()).isAfterOrEqualTo(last);
  }

  private void askOfficer() throws Exception {
    policy(
        "share: {metrics: allow}\n"
            + "studies: [{study: study, purposes: any, columns: [a, b, y], approval: required}]\n");
  }

  private void policy(String yaml) throws Exception {
    Files.writeString(directory(LAST).policy(), yaml);
  }

  private AgentCommandLine.Result command(String... words) {
    var arguments = new ArrayList<>(List.of(words));
    arguments.add("--dir");
    arguments.add(directory(LAST).path().toString());
    return AgentCommandLine.run(arguments.toArray(String[]::new));
  }

  private Path planFile(RoundPlan plan) throws Exception {
    return Files.write(folder.resolve("plan"), PlanCodec.encode(plan));
  }

  private AgentCommandLine.Result explain(RoundPlan plan) throws Exception {
    return command("policy", "explain", planFile(plan).toString());
  }

  private boolean waits(SiteId site) {
    return agent(site).status().rounds().stream()
        .anyMatch(round -> round.phase() == AgentStatus.Phase.WAITS_FOR_APPROVAL);
  }

  private List<String> storedUpdates() {
    try (var files = Files.list(directory(LAST).updates())) {
      return files.map(Path::toString).filter(name -> name.endsWith(".z")).toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private List<String> actions() {
    try {
      return LedgerReport.read(directory(LAST)).statement().entries().stream()
          .map(entry -> entry.action().getClass().getSimpleName())
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void sumAndCommit() throws Exception {
    if (!aggregator.hasSession()) {
      aggregator.begin(SITES);
    }
    aggregator.await("the session is done", () -> aggregator.state() == ServerSession.State.DONE);
    aggregator.commit();
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
    Agent agent = Agent.open(directory(site), Clock.systemUTC(), List.of());
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
}
