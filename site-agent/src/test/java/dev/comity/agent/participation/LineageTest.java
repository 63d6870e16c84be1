package dev.comity.agent.participation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.comity.agent.AgentCommandLine;
import dev.comity.agent.audit.DoesNotHoldException;
import dev.comity.agent.audit.LineageReport;
import dev.comity.agent.audit.LineageVerifier;
import dev.comity.membership.MessageKey;
import dev.comity.plan.RunKind;
import dev.comity.plan.SiteId;
import dev.comity.session.ServerSession;
import dev.comity.session.SignedMessage;
import dev.comity.session.SignedView;
import dev.comity.transparency.AuditEntry;
import dev.comity.transparency.AuditExport;
import dev.comity.transparency.AuditExport.WitnessedHead;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The export of two rounds that five agents really made, one of them after an aborted session.
class LineageTest {
  private static final List<SiteId> SITES =
      List.of(
          new SiteId("s1"), new SiteId("s2"), new SiteId("s3"), new SiteId("s4"), new SiteId("s5"));

  @TempDir static Path folder;
  private static TestAggregator aggregator;
  private static final List<Agent> AGENTS = new ArrayList<>();
  private static Map<String, byte[]> export;

  @BeforeAll
  static void trainTwoRounds() throws Exception {
    aggregator = new TestAggregator(Files.createDirectories(folder.resolve("spool")));
    for (SiteId site : SITES) {
      var home = new SiteDirectory(folder.resolve(site.value()));
      TestSites.join(aggregator, home, site);
      Agent agent = Agent.open(home, Clock.systemUTC(), List.of());
      AGENTS.add(agent);
      Thread.ofVirtual().start(agent::run);
    }
    aggregator.await("all said hello", () -> SITES.stream().allMatch(aggregator::greeted));
    aggregator.admit();
    aggregator.open(1, RunKind.TRAIN);
    aggregator.await("all are ready", () -> aggregator.ready().size() == SITES.size());
    abortOneSession();
    sumAndCommit();
    aggregator.open(2, RunKind.TRAIN);
    aggregator.await("all are ready", () -> aggregator.ready().size() == SITES.size());
    sumAndCommit();
    aggregator.await(
        "all have countersigned",
        () -> aggregator.audit.countersignatures().size() == SITES.size());
    export = TestExport.of(aggregator);
  }

  private static void abortOneSession() throws Exception {
    aggregator.withhold((site, kind) -> kind == SignedView.Kind.SHARES);
    aggregator.begin(SITES);
    aggregator.await(
        "shares are dealt", () -> aggregator.state() == ServerSession.State.COLLECTING);
    aggregator.deadline(SignedMessage.Phase.MASKED_INPUT);
    aggregator.await(
        "the session is aborted", () -> aggregator.state() == ServerSession.State.ABORTED);
    aggregator.withhold((site, kind) -> false);
    aggregator.endSession();
  }

  private static void sumAndCommit() throws Exception {
    aggregator.begin(SITES);
    aggregator.await("the session is done", () -> aggregator.state() == ServerSession.State.DONE);
    aggregator.commit();
  }

  @AfterAll
  static void stop() {
    AGENTS.forEach(Agent::close);
    aggregator.close();
  }

  private static LineageReport verify(Map<String, byte[]> files) throws IOException {
    Path zip = TestExport.write(files, Files.createTempFile(folder, "export", ".zip"));
    return LineageVerifier.verify(zip, TestExport.consortium(aggregator));
  }

  private static byte[] exported(String file) {
    return Optional.ofNullable(export.get(file)).orElseThrow();
  }

  private static Map<String, byte[]> changed(String file, UnaryOperator<byte[]> change) {
    var files = new LinkedHashMap<>(export);
    files.put(file, change.apply(exported(file).clone()));
    return files;
  }

  private static DoesNotHoldException refusal(Map<String, byte[]> files) {
    return catchThrowableOfType(DoesNotHoldException.class, () -> verify(files));
  }

  @Test
  void anHonestExportHoldsAndTellsItsRoundsAndWitnesses() throws Exception {
    LineageReport report = verify(export);

    assertThat(report.model()).isEqualTo(aggregator.version());
    assertThat(report.rounds())
        .containsExactly(
            new LineageReport.Round(1, 1, 5, 5, 4, 4, 1),
            new LineageReport.Round(2, 2, 5, 5, 4, 4, 0));
    assertThat(report.witnesses()).isEqualTo(SITES);
    assertThat(report.leaves()).isEqualTo(6);
    assertThat(AGENTS).allSatisfy(agent -> assertThat(agent.status().auditAlarm()).isNull());
  }

  /// In many places of each file, first and last byte included.
  @Test
  void aFlippedBitInAnyFileIsRefusedInTheNameOfAFile() {
    for (String file : export.keySet()) {
      int length = exported(file).length;
      for (int flip = 0; flip < 12; flip++) {
        int at = flip == 11 ? length - 1 : (int) ((long) flip * length / 11);
        int bit = flip % 8;
        DoesNotHoldException refusal =
            refusal(
                changed(
                    file,
                    bytes -> {
                      bytes[at] ^= (byte) (1 << bit);
                      return bytes;
                    }));
        assertThat(refusal).as("bit %d of byte %d of %s", bit, at, file).isNotNull();
        assertThat(refusal.file())
            .as("bit %d of byte %d of %s: %s", bit, at, file, refusal.getMessage())
            .isIn(file, accused(file));
      }
    }
  }

  /// A manifest that names another model accuses the newest model document.
  private static String accused(String file) {
    return file.equals(AuditExport.MANIFEST) ? AuditExport.model(2) : file;
  }

  @Test
  void aMissingFileAndAFileTooManyAreRefusedByName() {
    for (String file : export.keySet()) {
      var files = new LinkedHashMap<>(export);
      files.remove(file);
      assertThat(refusal(files)).as(file).isNotNull();
    }
    var files = new LinkedHashMap<>(export);
    files.put("notes.txt", new byte[] {1});
    assertThat(refusal(files)).hasMessage("notes.txt: belongs to no part of the lineage");
  }

  @Test
  void anotherConsortiumIsRefused() throws Exception {
    Path zip = TestExport.write(export, folder.resolve("other.zip"));

    assertThatThrownBy(
            () -> LineageVerifier.verify(zip, MessageKey.generate().publicKey().fingerprint()))
        .isInstanceOf(DoesNotHoldException.class)
        .hasMessageContaining("manifest.cbor: names the consortium key");
  }

  @Test
  void aCountersignatureInAnotherSitesNameIsRefused() {
    List<WitnessedHead> heads = AuditExport.decodeHeads(exported(AuditExport.HEADS));
    var last = heads.getLast();
    var made = last.countersignatures().getFirst();
    var other = SITES.stream().filter(site -> !site.equals(made.site())).findFirst().orElseThrow();
    var forged =
        new WitnessedHead(
            last.head(),
            last.toNewest(),
            List.of(
                new dev.comity.transparency.Countersignature(
                    other, made.head(), made.signature())));

    assertThat(refusal(changed(AuditExport.HEADS, any -> AuditExport.encodeHeads(List.of(forged)))))
        .hasMessageContaining("countersignature of " + other);
  }

  /// Whichever proof the aggregator adds to it.
  @Test
  void aHeadOfAnotherStoryThatSomebodyCountersignedIsNotContinuedByThisOne() {
    List<WitnessedHead> heads = AuditExport.decodeHeads(exported(AuditExport.HEADS));
    WitnessedHead newest = heads.getLast();
    long size = newest.toNewest().to();
    TestAuditLog other = aggregator.audit.copy();
    var entries = new ArrayList<>(other.entries());
    entries.set(3, entries.get(2));
    other.replace(entries);

    for (long from = 4; from <= size; from++) {
      other.replace(entries.subList(0, (int) from));
      var elsewhere =
          new WitnessedHead(
              other.head(), aggregator.audit.tree().consistency(from, size), List.of());
      assertThat(
              refusal(
                  changed(
                      AuditExport.HEADS,
                      any -> AuditExport.encodeHeads(List.of(elsewhere, newest)))))
          .hasMessageContaining(
              "the head of size %d is not continued by the newest, of size %d", from, size);
    }
  }

  @Test
  void aLeafThatIsLeftOutIsMissed() {
    var leaves = AuditExport.decodeLeaves(exported(AuditExport.LEAVES));
    for (var left : leaves) {
      var fewer = leaves.stream().filter(leaf -> !leaf.equals(left)).toList();
      DoesNotHoldException refusal =
          refusal(changed(AuditExport.LEAVES, any -> AuditExport.encodeLeaves(fewer)));
      assertThat(refusal).as("leaf %d", left.proof().index()).isNotNull();
      boolean aborted =
          AuditEntry.decode(left.entry().toByteArray()) instanceof AuditEntry.Session session
              && session.outcome() == AuditEntry.SessionOutcome.ABORTED;
      // Of an aborted session the transcript stays, which nothing asks for any more.
      assertThat(refusal.file()).startsWith(aborted ? "transcripts/" : AuditExport.LEAVES);
    }
  }

  @Test
  void theCommandPrintsWhatHoldsAndExitsWithFiveOtherwise() throws Exception {
    Path good = TestExport.write(export, folder.resolve("good.zip"));
    Path bad =
        TestExport.write(
            changed(
                AuditExport.sum(2),
                bytes -> {
                  bytes[bytes.length - 1] ^= 1;
                  return bytes;
                }),
            folder.resolve("bad.zip"));
    String fingerprint = aggregator.enrolments.consortium.publicKey().displayFingerprint();

    var held =
        AgentCommandLine.run(
            "audit", "verify", good.toString(), "--consortium", fingerprint, "--witnesses", "5");
    assertThat(held.exitCode()).isZero();
    assertThat(held.out())
        .contains(
            "version 1      round 1: 5 of 5 sites, 4 votes (4 needed), 1 sessions without a sum")
        .contains("countersigned  by 5 of 5 members over all of it: s1, s2, s3, s4, s5")
        .endsWith("everything holds" + System.lineSeparator());

    var refused =
        AgentCommandLine.run("audit", "verify", bad.toString(), "--consortium", fingerprint);
    assertThat(refused.exitCode()).isEqualTo(5);
    assertThat(refused.err()).contains("site-agent: sums/000002.bin: is not the sum");

    var unseen =
        AgentCommandLine.run(
            "audit", "verify", good.toString(), "--consortium", fingerprint, "--witnesses", "6");
    assertThat(unseen.exitCode()).isEqualTo(1);
    assertThat(unseen.err()).contains("5 sites countersigned all of it; --witnesses asks for 6");

    assertThat(
            AgentCommandLine.run("audit", "verify", good.toString(), "--consortium", "nonsense")
                .exitCode())
        .isEqualTo(2);
  }
}
