package dev.comity.agent.participation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import dev.comity.transparency.AuditEntry;
import dev.comity.transparency.Countersignature;
import dev.comity.transparency.SignedHead;
import dev.comity.transparency.TreeHead;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// An aggregator that shows two sites two logs.
class TwoAuditLogsTest {
  private static final SiteId ONE = new SiteId("s1");
  private static final SiteId OTHER = new SiteId("s2");

  @TempDir Path folder;
  private TestAggregator aggregator;
  private final List<Agent> agents = new ArrayList<>();

  @BeforeEach
  void showBothOneLogAndThenTwoOfTheSameSize() throws Exception {
    aggregator = new TestAggregator(Files.createDirectories(folder.resolve("spool")));
    for (SiteId site : List.of(ONE, OTHER)) {
      TestSites.join(aggregator, directory(site), site);
      Agent agent = Agent.open(directory(site), Clock.systemUTC(), List.of());
      agents.add(agent);
      Thread.ofVirtual().start(agent::run);
    }
    aggregator.admit();
    awaitSizes(1);
    aggregator.auditOf(OTHER, log -> IntStream.range(11, 15).forEach(i -> log.append(entry(i))));
    aggregator.audit(log -> IntStream.range(1, 5).forEach(i -> log.append(entry(i))));
    awaitSizes(5);
  }

  @AfterEach
  void stop() {
    agents.forEach(Agent::close);
    aggregator.close();
  }

  private SiteDirectory directory(SiteId site) {
    return new SiteDirectory(folder.resolve(site.value()));
  }

  private void awaitSizes(long size) throws InterruptedException {
    aggregator.await(
        "both countersigned a head of size " + size,
        () -> agents.stream().allMatch(agent -> agent.status().auditedSize() == size));
  }

  private static AuditEntry entry(int number) {
    return new AuditEntry.Run(
        TestAggregator.RUN, AuditEntry.RunOutcome.COMPLETED, Digest.of(new byte[] {(byte) number}));
  }

  private String awaitAlarm(Agent agent) throws InterruptedException {
    aggregator.await("the alarm is raised", () -> agent.status().auditAlarm() != null);
    return String.valueOf(agent.status().auditAlarm());
  }

  private TreeHead keptHead(SiteId site) {
    return new AuditBook(directory(site).state().resolve("audit")).head().orElseThrow();
  }

  /// Each log continues what its site saw before, so a site by itself has nothing to object to.
  @Test
  void neitherSiteSeesItAloneButTheHeadsThatTheyKeptContradictEachOther() {
    agents.forEach(Agent::close);

    assertThat(agents).allSatisfy(agent -> assertThat(agent.status().auditAlarm()).isNull());
    assertThat(keptHead(ONE).size()).isEqualTo(keptHead(OTHER).size());
    assertThat(keptHead(ONE).root()).isNotEqualTo(keptHead(OTHER).root());
  }

  @Test
  void whoeverLooksAtTheCountersignaturesOfOneLogMissesTheSiteThatWasShownTheOther() {
    var key = Optional.ofNullable(aggregator.enrolments.enrolled.get(OTHER)).orElseThrow();
    var shown = new ArrayList<SignedHead>();
    var made = new ArrayList<Countersignature>();
    aggregator.audit(log -> {
      shown.add(log.head());
      made.addAll(log.countersignatures().values());
    });
    aggregator.auditOf(OTHER, log -> made.addAll(log.countersignatures().values()));

    assertThat(made).extracting(Countersignature::site).containsExactly(ONE, OTHER);
    assertThat(made).extracting(Countersignature::head).doesNotHaveDuplicates();
    Countersignature elsewhere = made.getLast();
    assertThat(elsewhere.verifies(key)).isTrue();
    assertThat(
            new Countersignature(OTHER, shown.getFirst().digest(), elsewhere.signature())
                .verifies(key))
        .isFalse();
  }

  @Test
  void aSiteThatIsShownTheOthersHeadOfTheSameSizeRaisesTheAlarm() throws Exception {
    aggregator.join(OTHER);

    assertThat(awaitAlarm(agents.getLast())).contains("forked: two heads of size 5");
    assertThat(agents.getFirst().status().auditAlarm()).isNull();
  }

  @Test
  void aLaterHeadOfTheOtherLogDoesNotContinueTheOwnOne() throws Exception {
    aggregator.audit(log -> IntStream.range(5, 9).forEach(i -> log.append(entry(i))));
    aggregator.join(OTHER);

    assertThat(awaitAlarm(agents.getLast()))
        .contains("of size 9 does not continue the one of size 5");
    aggregator.await(
        "the site whose log was told on goes along",
        () -> agents.getFirst().status().auditedSize() == 9);
    assertThat(aggregator.audit.countersignatures()).containsOnlyKeys(ONE);
    assertThat(agents.getLast().status().auditedSize()).isEqualTo(5);
  }
}
