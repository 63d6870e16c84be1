package dev.comity.agent.participation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.comity.agent.AgentCommandLine;
import dev.comity.agent.audit.DoesNotHoldException;
import dev.comity.agent.audit.LineageReport;
import dev.comity.agent.audit.LineageVerifier;
import dev.comity.agent.protection.SiteKeys;
import dev.comity.membership.KeySuccession;
import dev.comity.membership.MessageKey;
import dev.comity.membership.MessagePublicKey;
import dev.comity.plan.RunKind;
import dev.comity.plan.SiteId;
import dev.comity.session.ServerSession;
import dev.comity.session.SignedView;
import dev.comity.transparency.AuditExport;
import dev.comity.transparency.AuditExport.WitnessedHead;
import dev.comity.transparency.SignedHead;
import dev.comity.transparency.TreeHead;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Message keys of a site and of the aggregator that are replaced while rounds go on.
class RotationTest {
  private static final List<SiteId> SITES =
      List.of(
          new SiteId("s1"), new SiteId("s2"), new SiteId("s3"), new SiteId("s4"), new SiteId("s5"));
  private static final SiteId LAST = SITES.getLast();
  private static final Set<SiteId> WITHHELD = Set.of(SITES.get(3), LAST);

  @TempDir Path folder;
  private TestAggregator aggregator;
  private final Map<SiteId, Agent> agents = new HashMap<>();

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
  void anOpenSessionEndsUnderTheReplacedKeysTheNextIsUnderTheNewAndTheLineageHolds()
      throws Exception {
    SITES.forEach(this::start);
    aggregator.await("all said hello", () -> SITES.stream().allMatch(aggregator::greeted));
    aggregator.admit();
    ready(1);
    aggregator.withhold(
        (site, kind) -> kind == SignedView.Kind.CERTIFICATE && WITHHELD.contains(site));
    aggregator.begin(SITES);
    aggregator.await(
        "three of the four answers that it takes have come",
        () ->
            aggregator.state() == ServerSession.State.UNMASKING
                && SITES.stream()
                    .allMatch(site -> WITHHELD.contains(site) != aggregator.answered(site)));
    aggregator.await(
        "all have countersigned",
        () -> aggregator.audit.countersignatures().size() == SITES.size());
    long before = aggregator.audit.size();

    MessagePublicKey former = present(LAST);
    MessagePublicKey next = SiteKeys.load(directory(LAST).keys()).prepareMessageKey().publicKey();
    aggregator.rotate(Optional.of(LAST), next);
    aggregator.rotate(MessageKey.generate());
    for (SiteId site : SITES) {
      aggregator.await(
          site + " has seen both lists", () -> agent(site).status().membershipVersion() == 3);
    }
    assertThat(agent(LAST).status().fingerprint()).isEqualTo(next.displayFingerprint());
    assertThat(formerKeys(LAST)).hasSize(1);
    restart(LAST);

    aggregator.withhold((site, kind) -> false);
    aggregator.await("the session is done", () -> aggregator.state() == ServerSession.State.DONE);
    aggregator.commit();

    aggregator.await("the former key is erased", () -> formerKeys(LAST).isEmpty());
    assertThat(present(LAST)).isEqualTo(next).isNotEqualTo(former);
    ready(2);
    aggregator.begin(SITES);
    aggregator.await("the session is done", () -> aggregator.state() == ServerSession.State.DONE);
    aggregator.commit();
    aggregator.await(
        "all have countersigned",
        () -> aggregator.audit.countersignatures().size() == SITES.size());
    assertThat(
            Optional.ofNullable(aggregator.audit.countersignatures().get(LAST))
                .orElseThrow()
                .verifies(next))
        .isTrue();
    for (SiteId site : SITES) {
      assertThat(agent(site).status().auditAlarm()).isNull();
      assertThat(agent(site).status().problem()).isNull();
    }
    var export = new LinkedHashMap<>(TestExport.of(aggregator));
    WitnessedHead newest =
        AuditExport.decodeHeads(Optional.ofNullable(export.get(AuditExport.HEADS)).orElseThrow())
            .getLast();
    WitnessedHead old = aggregator.audit.witnessed(before);

    export.put(AuditExport.HEADS, AuditExport.encodeHeads(List.of(old, newest)));
    LineageReport report = verify(export);

    assertThat(report.membership().version()).isEqualTo(3);
    assertThat(report.countersigned()).hasSize(SITES.size());
    assertThat(old.countersignatures()).hasSize(SITES.size());
  }

  @Test
  void aHeadUnderAReplacedKeyOverWhatCameLaterIsRefused() throws Exception {
    SITES.forEach(this::start);
    aggregator.await("all said hello", () -> SITES.stream().allMatch(aggregator::greeted));
    aggregator.admit();
    MessageKey stolen = MessageKey.generate();
    aggregator.rotate(stolen);
    aggregator.rotate(MessageKey.generate());
    for (SiteId site : SITES) {
      aggregator.await(
          site + " has seen the lists", () -> agent(site).status().membershipVersion() == 3);
    }
    ready(1);
    aggregator.begin(SITES);
    aggregator.await("the session is done", () -> aggregator.state() == ServerSession.State.DONE);
    aggregator.commit();
    var export = new LinkedHashMap<>(TestExport.of(aggregator));
    assertThat(verify(export).membership().version()).isEqualTo(3);

    TreeHead head = TreeHead.decode(aggregator.audit.head().document().toByteArray());
    var forged =
        new WitnessedHead(
            SignedHead.sign(head, stolen),
            aggregator.audit.tree().consistency(head.size(), head.size()),
            List.of());
    export.put(AuditExport.HEADS, AuditExport.encodeHeads(List.of(forged)));

    assertThatThrownBy(() -> verify(export))
        .isInstanceOf(DoesNotHoldException.class)
        .hasMessageContaining(
            "signed with an aggregator key that membership version 3 had replaced");
  }

  @Test
  void aKeyThatIsReplacedWhileTheSiteSleepsServesWhenItWakes() throws Exception {
    start(LAST);
    aggregator.await("the site said hello", () -> aggregator.greeted(LAST));
    aggregator.admit();
    aggregator.await("the list is seen", () -> agent(LAST).status().membershipVersion() == 1);
    agent(LAST).close();
    MessagePublicKey next = SiteKeys.load(directory(LAST).keys()).prepareMessageKey().publicKey();
    aggregator.rotate(Optional.of(LAST), next);

    start(LAST);

    aggregator.await("the new list is seen", () -> agent(LAST).status().membershipVersion() == 2);
    assertThat(agent(LAST).status().fingerprint()).isEqualTo(next.displayFingerprint());
    assertThat(formerKeys(LAST)).isEmpty();
    assertThat(directory(LAST).keys().resolve("message.next.key")).doesNotExist();
  }

  @Test
  void aListedKeyThatTheSiteDoesNotHoldIsSaidWithTheRemedy() throws Exception {
    MessagePublicKey present = present(LAST);
    start(LAST);
    aggregator.await("the site said hello", () -> aggregator.greeted(LAST));
    aggregator.admit();

    aggregator.rotate(Optional.of(LAST), MessageKey.generate().publicKey());

    aggregator.await(
        "the status says so",
        () ->
            String.valueOf(agent(LAST).status().problem())
                .contains("which this folder does not hold"));
    assertThat(agent(LAST).status().problem()).contains("site-agent keys next");
    assertThat(present(LAST)).isEqualTo(present);
  }

  @Test
  void theCommandMakesOneNextKeyAndAStatementThatBothKeysSigned() throws Exception {
    Path statement = folder.resolve("statement");
    var first = keys("next", "--out", statement.toString());
    var again = keys("next", "--out", statement.toString());
    var shown = keys("show");

    assertThat(first.exitCode()).as(first.err()).isZero();
    MessagePublicKey next =
        SiteKeys.load(directory(LAST).keys()).nextMessageKey().orElseThrow().publicKey();
    assertThat(first.out()).isEqualTo(again.out());
    assertThat(first.out()).contains(next.hex(), next.displayFingerprint());
    assertThat(shown.out()).contains(present(LAST).hex(), next.hex());
    KeySuccession stated = KeySuccession.parse(Files.readString(statement));
    assertThat(stated.from()).isEqualTo(present(LAST));
    assertThat(stated.to()).isEqualTo(next);
    assertThat(stated.site()).contains(LAST);
    assertThat(
            PosixFilePermissions.toString(
                Files.getPosixFilePermissions(directory(LAST).keys().resolve("message.next.key"))))
        .isEqualTo("rw-------");
  }

  private AgentCommandLine.Result keys(String... arguments) {
    String[] line = new String[arguments.length + 3];
    line[0] = "keys";
    line[1] = arguments[0];
    line[2] = "--dir";
    line[3] = directory(LAST).path().toString();
    System.arraycopy(arguments, 1, line, 4, arguments.length - 1);
    return AgentCommandLine.run(line);
  }

  private LineageReport verify(Map<String, byte[]> files) throws IOException {
    Path zip = TestExport.write(files, Files.createTempFile(folder, "export", ".zip"));
    return LineageVerifier.verify(zip, TestExport.consortium(aggregator));
  }

  private void ready(int round) throws Exception {
    aggregator.open(round, RunKind.TRAIN);
    aggregator.await("all are ready", () -> aggregator.ready().size() == SITES.size());
  }

  private MessagePublicKey present(SiteId site) {
    return SiteKeys.load(directory(site).keys()).messageKey().publicKey();
  }

  private List<Path> formerKeys(SiteId site) {
    try (var files = Files.list(directory(site).keys())) {
      return files
          .filter(file -> String.valueOf(file.getFileName()).matches("message[.]former-.*[.]key"))
          .toList();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private void start(SiteId site) {
    Agent agent = Agent.open(directory(site), Clock.systemUTC(), List.of());
    agents.put(site, agent);
    Thread.ofVirtual().start(agent::run);
  }

  private void restart(SiteId site) throws Exception {
    agent(site).close();
    aggregator.forgetGreeting(site);
    start(site);
    aggregator.await("the site is back", () -> aggregator.greeted(site));
  }

  private Agent agent(SiteId site) {
    return Optional.ofNullable(agents.get(site)).orElseThrow();
  }

  private SiteDirectory directory(SiteId site) {
    return new SiteDirectory(folder.resolve(site.value()));
  }
}
