package dev.comity.agent.participation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comity.plan.RunKind;
import dev.comity.plan.SiteId;
import dev.comity.session.ServerSession;
import dev.comity.transparency.AuditEntry;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Five agents that sum a round, and an aggregator that leaves something of it out of its log.
class MissingLeafTest {
  private static final List<SiteId> SITES =
      List.of(
          new SiteId("s1"), new SiteId("s2"), new SiteId("s3"), new SiteId("s4"), new SiteId("s5"));

  @TempDir Path folder;
  private TestAggregator aggregator;
  private final Map<SiteId, Agent> agents = new HashMap<>();

  @BeforeEach
  void join() throws Exception {
    aggregator = new TestAggregator(Files.createDirectories(folder.resolve("spool")));
    for (SiteId site : SITES) {
      var home = new SiteDirectory(folder.resolve(site.value()));
      TestSites.join(aggregator, home, site);
      Agent agent = Agent.open(home, Clock.systemUTC(), List.of());
      agents.put(site, agent);
      Thread.ofVirtual().start(agent::run);
    }
    aggregator.await("all said hello", () -> SITES.stream().allMatch(aggregator::greeted));
    aggregator.admit();
  }

  @AfterEach
  void stop() {
    agents.values().forEach(Agent::close);
    aggregator.close();
  }

  @Test
  void aSessionThatIsNotLoggedIsMissedByEverySiteOfIt() throws Exception {
    Predicate<AuditEntry> sessions = entry -> entry instanceof AuditEntry.Session;
    aggregator.audit(log -> log.drop(sessions));

    sum();

    awaitAlarms("does not hold the end of session");
  }

  @Test
  void aSessionThatIsLoggedAndNotProvenIsMissedByEverySiteOfIt() throws Exception {
    Predicate<AuditEntry> sessions = entry -> entry instanceof AuditEntry.Session;
    aggregator.audit(log -> log.withhold(sessions));

    sum();

    awaitAlarms("does not hold the end of session");
  }

  @Test
  void aRoundThatIsNotLoggedIsMissedByEverySiteThatRecomputedItsModel() throws Exception {
    Predicate<AuditEntry> rounds = entry -> entry instanceof AuditEntry.Round;
    aggregator.audit(log -> log.drop(rounds));

    sum();
    aggregator.await(
        "every site recomputed the model",
        () -> agents.values().stream().allMatch(agent -> agent.status().rounds().isEmpty()));
    aggregator.audit(log ->
        log.append(
            new AuditEntry.Run(
                TestAggregator.RUN,
                AuditEntry.RunOutcome.COMPLETED,
                aggregator.version().digest())));

    awaitAlarms("does not hold round 1 of run");
  }

  private void sum() throws Exception {
    aggregator.open(1, RunKind.TRAIN);
    aggregator.await("all are ready", () -> aggregator.ready().size() == SITES.size());
    aggregator.begin(SITES);
    aggregator.await("the session is done", () -> aggregator.state() == ServerSession.State.DONE);
    aggregator.commit();
  }

  private void awaitAlarms(String words) throws Exception {
    for (var agent : agents.entrySet()) {
      aggregator.await(
          agent.getKey() + " raises the alarm: " + words,
          () -> String.valueOf(agent.getValue().status().auditAlarm()).contains(words));
      assertThat(aggregator.audit.countersignatures()).doesNotContainKey(agent.getKey());
    }
  }
}
