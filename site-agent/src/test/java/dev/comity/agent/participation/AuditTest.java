package dev.comity.agent.participation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comity.codec.Bytes;
import dev.comity.codec.CborReader;
import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import dev.comity.transparency.AuditEntry;
import dev.comity.transparency.SignedHead;
import dev.comity.transparency.TreeHead;
import java.io.IOException;
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

/// One agent and an aggregator whose log grows, forks, shrinks or is rewritten.
class AuditTest {
  private static final SiteId SITE = new SiteId("s1");

  @TempDir Path folder;
  private TestAggregator aggregator;
  private Agent agent;

  @BeforeEach
  void countersignTheFirstHead() throws Exception {
    aggregator = new TestAggregator(Files.createDirectories(folder.resolve("spool")));
    TestSites.join(aggregator, directory(), SITE);
    start();
    aggregator.admit();
    awaitCountersigned(1);
  }

  @AfterEach
  void stop() {
    agent.close();
    aggregator.close();
  }

  private SiteDirectory directory() {
    return new SiteDirectory(folder.resolve(SITE.value()));
  }

  private void start() {
    agent = Agent.open(directory(), Clock.systemUTC(), List.of());
    Thread.ofVirtual().start(agent::run);
  }

  private void awaitCountersigned(long size) throws InterruptedException {
    aggregator.await(
        "the head of size " + size + " is countersigned",
        () ->
            aggregator.audit.size() == size
                && aggregator.audit.countersignatures().containsKey(SITE));
    aggregator.await("the status says so", () -> agent.status().auditedSize() == size);
  }

  private static AuditEntry entry(int number) {
    return new AuditEntry.Run(
        TestAggregator.RUN, AuditEntry.RunOutcome.COMPLETED, Digest.of(new byte[] {(byte) number}));
  }

  private void grow(int from, int to) {
    aggregator.audit(
        log -> IntStream.range(from, to).mapToObj(AuditTest::entry).forEach(log::append));
  }

  private String awaitAlarm() throws InterruptedException {
    aggregator.await("the agent raises the alarm", () -> agent.status().auditAlarm() != null);
    return String.valueOf(agent.status().auditAlarm());
  }

  @Test
  void everyHeadOfAGrowingLogIsCountersignedUnderTheSitesKey() throws Exception {
    for (int size = 2; size < 12; size++) {
      grow(size - 1, size);
      awaitCountersigned(size);
    }

    var made = Optional.ofNullable(aggregator.audit.countersignatures().get(SITE)).orElseThrow();
    var key = Optional.ofNullable(aggregator.enrolments.enrolled.get(SITE)).orElseThrow();
    assertThat(made.verifies(key)).isTrue();
    assertThat(made.head()).isEqualTo(aggregator.audit.head().digest());
    assertThat(agent.status().auditAlarm()).isNull();
  }

  @Test
  void twoHeadsOfOneSizeRaiseTheAlarmWhichOutlivesARestartAndKeepsBothAsEvidence()
      throws Exception {
    grow(1, 5);
    awaitCountersigned(5);
    SignedHead honest = aggregator.audit.head();

    var other = new ArrayList<>(aggregator.audit.entries());
    other.set(4, entry(99));
    aggregator.audit(log -> log.replace(other));

    assertThat(awaitAlarm()).contains("forked: two heads of size 5");
    assertThat(aggregator.audit.countersignatures()).isEmpty();
    assertThat(evidence())
        .containsExactlyInAnyOrder(honest.digest(), aggregator.audit.head().digest());
    agent.close();
    aggregator.forgetGreeting(SITE);
    start();
    aggregator.await("the agent is back", () -> aggregator.greeted(SITE));
    assertThat(awaitAlarm()).contains("forked");
    assertThat(agent.status().auditedSize()).isEqualTo(5);
  }

  /// Digests of the heads that the alarm kept, once both are verified.
  private List<Digest> evidence() throws IOException {
    try (var files = Files.list(directory().state().resolve("audit-alarms"))) {
      byte[] content = Files.readAllBytes(files.findFirst().orElseThrow());
      return CborReader.read(
          content,
          "Evidence",
          in -> {
            assertThat(in.text("reason")).contains("forked");
            return List.of(
                in.map("shown", AuditTest::verifiedHead), in.map("known", AuditTest::verifiedHead));
          });
    }
  }

  private static Digest verifiedHead(CborReader in) {
    Bytes document = in.bytes("document", 1, 1000);
    return new SignedHead(document, in.bytes("signature", 64)).digest();
  }

  @Test
  void aLogThatShrankIsRefused() throws Exception {
    grow(1, 6);
    awaitCountersigned(6);

    aggregator.audit(log -> log.replace(log.entries().subList(0, 4)));

    assertThat(awaitAlarm()).contains("shrank from 6 leaves to 4");
    assertThat(aggregator.audit.countersignatures()).isEmpty();
    assertThat(agent.status().auditedSize()).isEqualTo(6);
  }

  @Test
  void aLogWhosePastWasRewrittenIsRefusedThoughItGrew() throws Exception {
    grow(1, 6);
    awaitCountersigned(6);

    var other = new ArrayList<>(aggregator.audit.entries());
    other.set(2, entry(99));
    other.add(entry(6));
    aggregator.audit(log -> log.replace(other));

    assertThat(awaitAlarm()).contains("does not continue").contains("its past was changed");
    assertThat(aggregator.audit.countersignatures()).isEmpty();
  }

  @Test
  void aHeadOfAnotherKeyIsRefused() throws Exception {
    aggregator.audit(log -> log.forge());
    grow(1, 3);

    assertThat(awaitAlarm()).contains("not signed by the aggregator key");
    assertThat(agent.status().auditedSize()).isEqualTo(1);
  }

  @Test
  void anHonestHeadAfterARefusedOneIsCountersignedAndTheAlarmStays() throws Exception {
    grow(1, 6);
    awaitCountersigned(6);
    var honest = aggregator.audit.entries();
    aggregator.audit(log -> log.replace(honest.subList(0, 4)));
    awaitAlarm();

    aggregator.audit(log -> log.replace(honest));
    grow(6, 8);

    awaitCountersigned(8);
    assertThat(agent.status().auditAlarm()).contains("shrank");
  }

  @Test
  void theStoredHeadIsTheOneThatWasCountersigned() throws Exception {
    grow(1, 4);
    awaitCountersigned(4);
    agent.close();

    var book = new AuditBook(directory().state().resolve("audit"));

    assertThat(book.head().map(TreeHead::root)).contains(aggregator.audit.tree().root());
    assertThat(book.alarm()).isEmpty();
  }
}
