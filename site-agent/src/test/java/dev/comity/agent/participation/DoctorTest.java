package dev.comity.agent.participation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comity.accounting.PrivacyAccountant;
import dev.comity.agent.AgentCommandLine;
import dev.comity.ledger.PrivacyLedger;
import dev.comity.plan.RunKind;
import dev.comity.plan.SiteId;
import dev.comity.storage.Storage;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.json.JsonMapper;

class DoctorTest {
  private static final SiteId SITE = new SiteId("s1");

  @TempDir Path folder;
  private TestAggregator aggregator;
  private SiteDirectory home;

  @BeforeEach
  void join() throws Exception {
    aggregator = new TestAggregator(Files.createDirectories(folder.resolve("spool")));
    home = new SiteDirectory(folder.resolve("s1"));
    TestSites.join(aggregator, home, SITE);
    Files.setPosixFilePermissions(
        home.keys().resolve("site.secret"), PosixFilePermissions.fromString("rw-------"));
  }

  @AfterEach
  void stop() {
    aggregator.close();
  }

  private record Checks(List<Doctor.Check> all) {
    Doctor.Check get(String name) {
      return all.stream()
          .filter(check -> check.name().equals(name))
          .findFirst()
          .orElseThrow(() -> new AssertionError("no check of " + name + " in " + all));
    }

    List<String> names() {
      return all.stream().map(Doctor.Check::name).toList();
    }
  }

  private Checks examine() {
    return examine(Clock.systemUTC());
  }

  private Checks examine(Clock clock) {
    return new Checks(Doctor.examine(home, clock));
  }

  private static Clock at(Instant instant) {
    return Clock.fixed(instant, ZoneOffset.UTC);
  }

  private void takePart() throws Exception {
    aggregator.admit();
    try (Agent agent = Agent.open(home, Clock.systemUTC(), List.of())) {
      Thread.ofVirtual().start(agent::run);
      aggregator.await(
          "the site knows its membership", () -> agent.status().membershipVersion() == 1);
    }
  }

  @Test
  void aSiteThatTookPartIsWell() throws Exception {
    takePart();

    var checks = examine();

    assertThat(checks.names())
        .containsExactlyInAnyOrder(
            "settings",
            "keys",
            "certificate",
            "membership",
            "reachability",
            "ledger",
            "clock",
            "disk",
            "policy",
            "data",
            "pytorch",
            "tls");
    assertThat(checks.all())
        .noneMatch(check -> check.level() == Doctor.Level.FAIL)
        .allMatch(check -> check.remedy().isEmpty() == (check.level() == Doctor.Level.OK));
    assertThat(checks.get("reachability").text()).contains("answers over TLSv1.3");
    assertThat(checks.get("pytorch").text()).contains("version 2.");
    assertThat(checks.get("policy").text()).contains("rules for [any]");
    assertThat(home.state().resolve("doctor")).doesNotExist();
  }

  @Test
  void aSiteThatWasNotListedYetIsWarnedAndNotIll() {
    var membership = examine().get("membership");

    assertThat(membership.level()).isEqualTo(Doctor.Level.WARN);
    assertThat(membership.remedy()).contains("fingerprint");
  }

  @Test
  void keysThatOthersMayReadAreAFault() throws Exception {
    Path key = home.keys().resolve("tls.key");
    Files.setPosixFilePermissions(key, PosixFilePermissions.fromString("rw-r--r--"));

    var keys = examine().get("keys");

    assertThat(keys.level()).isEqualTo(Doctor.Level.FAIL);
    assertThat(keys.text()).contains("tls.key").doesNotContain("site.secret");
    assertThat(keys.remedy()).contains("chmod 600");
  }

  @Test
  void aCertificateOfAnotherTimeKeyOrSiteIsAFault() throws Exception {
    Instant now = Instant.now();
    assertThat(examine(at(now.plus(Duration.ofDays(4000)))).get("certificate").text())
        .contains("ended at");
    assertThat(examine(at(now.minus(Duration.ofDays(4000)))).get("certificate").text())
        .contains("holds from");

    var other = new SiteDirectory(folder.resolve("s2"));
    TestSites.join(aggregator, other, new SiteId("s2"));
    Path certificate = home.keys().resolve("tls.crt");
    byte[] own = Files.readAllBytes(certificate);
    Files.write(certificate, Files.readAllBytes(other.keys().resolve("tls.crt")));
    assertThat(examine().get("certificate").text()).contains("does not name comity://test/s1");

    Files.write(certificate, own);
    Files.write(
        home.keys().resolve("tls.key"), Files.readAllBytes(other.keys().resolve("tls.key")));
    assertThat(examine().get("certificate").text()).contains("is of another key");
  }

  @Test
  void aCertificateOfAnotherAuthorityIsAFault() throws Exception {
    try (var elsewhere = new TestAggregator(Files.createDirectories(folder.resolve("elsewhere")))) {
      var other = new SiteDirectory(folder.resolve("other"));
      TestSites.join(elsewhere, other, SITE);
      Files.write(
          home.keys().resolve("ca.crt"), Files.readAllBytes(other.keys().resolve("ca.crt")));
    }

    var checks = examine();

    assertThat(checks.get("certificate").level()).isEqualTo(Doctor.Level.FAIL);
    assertThat(checks.names()).doesNotContain("reachability");
  }

  @Test
  void anAggregatorThatDoesNotAnswerIsAFault() {
    aggregator.close();

    var reachability = examine().get("reachability");

    assertThat(reachability.level()).isEqualTo(Doctor.Level.FAIL);
    assertThat(reachability.remedy()).contains("firewall");
  }

  @Test
  void aClockBehindTheLedgerIsAFault() throws Exception {
    Instant last = Instant.now();
    PrivacyLedger.open(
            Storage.ofFiles(),
            home.privacyLedger(),
            PolicyFile.read(home.policy()).privacy().budget(),
            PrivacyAccountant.deciding(),
            at(last))
        .reserve(TestPlans.plain(RunKind.TRAIN, 5).terms());

    assertThat(examine(at(last.minusSeconds(60))).get("clock").level())
        .isEqualTo(Doctor.Level.FAIL);
    assertThat(examine(at(last.minusSeconds(60))).get("clock").text())
        .contains("when the privacy ledger was last written");
    assertThat(examine(at(last.plusSeconds(1))).get("clock").level()).isEqualTo(Doctor.Level.OK);
  }

  @Test
  void aDamagedLedgerPolicyOrMappingIsAFaultAndTheRestIsStillLookedAt() throws Exception {
    Files.write(home.privacyLedger(), ByteBuffer.allocate(60).putInt(9).put((byte) 1).array());
    Files.writeString(home.policy(), "hours: any\n");
    Files.writeString(home.path().resolve("mapping.yaml"), "source: {}\n");

    var checks = examine();

    assertThat(checks.get("policy").text()).contains("unknown key hours");
    assertThat(checks.get("data").text()).contains("mapping.yaml");
    assertThat(checks.get("clock").level()).isEqualTo(Doctor.Level.FAIL);
    assertThat(checks.get("pytorch").level()).isEqualTo(Doctor.Level.OK);
  }

  @Test
  void aSiteWithoutAPolicyIsWarnedThatItRefusesEverything() throws Exception {
    Files.delete(home.policy());

    assertThat(examine().get("policy").level()).isEqualTo(Doctor.Level.WARN);
    assertThat(examine().get("policy").text()).contains("every plan is refused");
  }

  @Test
  void theCommandSaysItInWordsAndInJson() throws Exception {
    takePart();

    var words = AgentCommandLine.run("doctor", "--dir", home.path().toString());
    Files.delete(home.keys().resolve("site.secret"));
    var json = AgentCommandLine.run("doctor", "--json", "--dir", home.path().toString());

    assertThat(words.exitCode()).isZero();
    assertThat(words.out()).contains("ok    reachability  https://localhost:");
    assertThat(json.exitCode()).isEqualTo(1);
    var keys =
        JsonMapper.builder()
            .build()
            .readTree(json.out())
            .valueStream()
            .filter(check -> check.path("check").asString().equals("keys"))
            .findFirst()
            .orElseThrow();
    assertThat(keys.path("level").asString()).isEqualTo("FAIL");
    assertThat(keys.path("text").asString()).contains("site.secret does not exist");
    assertThat(keys.path("remedy").asString()).contains("restore");
  }

  @Test
  void aFolderThatNeverJoinedIsTold() {
    var never = AgentCommandLine.run("doctor", "--dir", folder.resolve("never").toString());

    assertThat(never.exitCode()).isEqualTo(1);
    assertThat(never.out()).contains("FAIL  settings", "join a federation first");
  }
}
