package dev.comity.round.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.comity.audit.AuditHeads;
import dev.comity.audit.AuditLeaf;
import dev.comity.audit.AuditLog;
import dev.comity.audit.LineageExport;
import dev.comity.membership.MembershipEpoch;
import dev.comity.membership.SignedMembership;
import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import dev.comity.session.SignedMessage;
import dev.comity.session.TranscriptVerifier;
import dev.comity.transparency.AuditEntry;
import dev.comity.transparency.AuditExport;
import dev.comity.transparency.Countersignature;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.zip.ZipInputStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.dao.DataAccessException;
import org.springframework.transaction.support.TransactionTemplate;

class AuditLogTest {
  private static final Duration PATIENT = Duration.ofMinutes(2);
  private static final Duration HOUR = Duration.ofHours(1);
  private static EmbeddedPostgres postgres;

  @TempDir private Path directory;

  @BeforeAll
  static void startDatabase() throws IOException {
    postgres = EmbeddedPostgres.start();
  }

  @AfterAll
  static void stopDatabase() throws IOException {
    postgres.close();
  }

  private TestWorld world(int sites) throws IOException {
    return new TestWorld(postgres, directory, sites);
  }

  private static AuditLog log(TestWorld world) {
    return world.running().bean(AuditLog.class);
  }

  private static AuditHeads heads(TestWorld world) {
    return world.running().bean(AuditHeads.class);
  }

  private static AuditEntry entry(int number) {
    return new AuditEntry.Membership(
        number, Digest.of(Integer.toString(number).getBytes(StandardCharsets.US_ASCII)));
  }

  private static void append(TestWorld world, AuditEntry entry) {
    world
        .running()
        .bean(TransactionTemplate.class)
        .executeWithoutResult(_ -> log(world).append(entry));
  }

  /// Waits until every site has countersigned the newest head.
  private static void awaitCountersigned(TestWorld world) throws InterruptedException {
    var end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    var signals = world.running().signals();
    while (true) {
      var size = heads(world).newest().head().size();
      if (heads(world).countersignatures(size).size() == world.federation().sites().size()) {
        return;
      }
      if (System.nanoTime() > end) {
        throw new AssertionError("not all sites have countersigned size " + size);
      }
      var topic = dev.comity.audit.Signals.runs();
      signals.await(topic, signals.ticket(topic), Duration.ofMillis(50));
    }
  }

  private static List<String> kinds(List<AuditLeaf> leaves) {
    return leaves.stream().map(leaf -> leaf.decoded().kind()).toList();
  }

  @Test
  void aRunLeavesItsSessionsItsRoundsAndItsEndAsProvenAndCountersignedLeaves() throws Exception {
    try (var world = world(4).startSites(0, 4)) {
      var run = world.submit(world.federation().submission("logged", 2, 4, PATIENT, HOUR));
      world.running().awaitEnd(run);
      awaitCountersigned(world);

      var leaves = log(world).leaves(run);
      var head = heads(world).newest();

      assertThat(kinds(leaves))
          .containsExactly("session", "round", "session", "round", "session", "round", "run");
      assertThat(head.signed().verify(world.federation().messageKey().publicKey()))
          .isEqualTo(head.head());
      assertThat(head.head().size()).isEqualTo(7);
      assertThat(leaves)
          .allSatisfy(leaf ->
              assertThat(
                      log(world)
                          .inclusion(leaf.index(), 7)
                          .proves(leaf.digest(), head.head().root()))
                  .isTrue());
      assertThat(log(world).consistency(3, 7).proves(log(world).root(3), head.head().root()))
          .isTrue();
      assertThat(heads(world).countersignatures(7))
          .extracting(AuditHeads.Received::countersignature)
          .allSatisfy(made ->
              assertThat(made.verifies(world.federation().key(made.site()).publicKey())).isTrue())
          .extracting(Countersignature::site)
          .containsExactlyElementsOf(world.federation().sites());
      var version = world.running().models().versions(run).get(1);
      var origin = version.version().origin().orElseThrow();
      assertThat(leaves.get(1).decoded())
          .isEqualTo(
              new AuditEntry.Round(
                  run,
                  1,
                  origin.plan(),
                  origin.sum(),
                  origin.transcript(),
                  Optional.of(version.digest())));
      assertThat(leaves.getLast().decoded())
          .isEqualTo(
              new AuditEntry.Run(
                  run,
                  AuditEntry.RunOutcome.COMPLETED,
                  world.running().models().versions(run).getLast().digest()));
      var session = (AuditEntry.Session) leaves.getFirst().decoded();
      assertThat(session.outcome()).isEqualTo(AuditEntry.SessionOutcome.SUMMED);
      assertThat(session.transcript()).isEqualTo(origin.transcript());
    }
  }

  @Test
  void anAbortedSessionLeavesItsCertificateAndACancelledRunItsEnd() throws Exception {
    try (var world = world(4)) {
      var slow = world.site(0).withholding(SignedMessage.Phase.VOTE).start();
      var other = world.site(1).withholding(SignedMessage.Phase.VOTE).start();
      world.startSites(2, 4);
      var run = world.submit(world.federation().submission("cancelled", 1, 4, PATIENT, HOUR));
      slow.awaitAsked(SignedMessage.Phase.VOTE);
      other.awaitAsked(SignedMessage.Phase.VOTE);
      world.running().runs().cancel(run, "ada");
      world.running().await(run, line -> "ABORTED".equals(line.to()));

      var leaves = log(world).leaves(run);

      assertThat(kinds(leaves)).containsExactly("run", "session");
      var session = (AuditEntry.Session) leaves.getLast().decoded();
      assertThat(session.outcome()).isEqualTo(AuditEntry.SessionOutcome.ABORTED);
      var proven =
          TranscriptVerifier.verify(
              world.running().artifacts().read(session.transcript()),
              world.federation()::membership);
      assertThat(proven).isInstanceOf(TranscriptVerifier.Proven.Aborted.class);
      assertThat(
              ((TranscriptVerifier.Proven.Aborted) proven)
                  .certificate()
                  .map(dev.comity.session.Certificate::digest))
          .isPresent()
          .isEqualTo(session.certificate());
    }
  }

  @Test
  void manyTransactionsAtOnceAppendInOneOrderWithoutAGap() throws Exception {
    try (var world = world(4);
        var pool = Executors.newFixedThreadPool(4)) {
      var template = world.running().bean(TransactionTemplate.class);
      var done = new CountDownLatch(80);
      IntStream.range(0, 80)
          .forEach(number ->
              pool.execute(() -> {
                try {
                  template.executeWithoutResult(status -> {
                    log(world).append(entry(number));
                    if (number % 5 == 0) {
                      status.setRollbackOnly();
                    }
                  });
                } finally {
                  done.countDown();
                }
              }));
      assertThat(done.await(60, TimeUnit.SECONDS)).isTrue();

      var leaves = log(world).leaves(0, 1000);
      assertThat(leaves).hasSize(64);
      assertThat(leaves)
          .extracting(AuditLeaf::index)
          .containsExactlyElementsOf(IntStream.range(0, 64).mapToObj(Long::valueOf).toList());
      assertThat(log(world).size()).isEqualTo(64);
    }
  }

  @Test
  void whatATransactionHasNotCommittedIsUnderNoRoot() throws Exception {
    try (var world = world(4)) {
      append(world, entry(1));
      var before = log(world).root(1);
      world
          .running()
          .bean(TransactionTemplate.class)
          .executeWithoutResult(status -> {
            log(world).append(entry(2));
            assertThat(log(world).size()).isEqualTo(1);
            status.setRollbackOnly();
          });
      append(world, entry(3));

      assertThat(log(world).size()).isEqualTo(2);
      assertThat(log(world).consistency(1, 2).proves(before, log(world).root(2))).isTrue();
      assertThat(log(world).leaf(entry(2).leafHash())).isEmpty();
    }
  }

  @Test
  void theDatabaseRefusesToChangeOrDeleteWhatWasLogged() throws Exception {
    try (var world = world(4)) {
      append(world, entry(1));
      var head = heads(world).newest();
      var sites = world.federation();
      heads(world)
          .countersign(
              1, Countersignature.sign(world.id(0), head.signed(), sites.key(world.id(0))));
      var sql = world.running().sql();

      for (var change :
          List.of(
              "update audit_leaf set kind = 'run'",
              "delete from audit_leaf",
              "truncate audit_leaf",
              "update audit_head set at = now()",
              "delete from audit_head",
              "update audit_countersignature set at = now()",
              "delete from audit_countersignature",
              "truncate audit_countersignature")) {
        assertThatThrownBy(() -> sql.sql(change).update())
            .as(change)
            .isInstanceOf(DataAccessException.class)
            .hasMessageContaining("is append-only");
      }
      assertThat(log(world).leaf(entry(1).leafHash())).isPresent();
    }
  }

  @Test
  void anEntryWithoutATransactionIsRefused() throws Exception {
    try (var world = world(4)) {
      assertThatThrownBy(() -> log(world).append(entry(1)))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("without a transaction");
    }
  }

  @Test
  void ofOneSizeThereIsOneHeadAlsoAfterARestart() throws Exception {
    try (var world = world(4)) {
      append(world, entry(1));
      var first = heads(world).newest();

      world.killAggregator();

      assertThat(heads(world).newest()).isEqualTo(first);
      append(world, entry(2));
      assertThat(heads(world).newest().head().size()).isEqualTo(2);
      assertThat(heads(world).of(1)).contains(first);
    }
  }

  @Test
  void aCountersignatureOfAnotherHeadOrOfNoMemberOrOfAnotherKeyIsRefused() throws Exception {
    try (var world = world(4)) {
      append(world, entry(1));
      var head = heads(world).newest().signed();
      append(world, entry(2));
      var later = heads(world).newest().signed();
      var site = world.id(0);
      var key = world.federation().key(site);

      assertThat(heads(world).countersign(1, Countersignature.sign(site, later, key)))
          .isInstanceOfSatisfying(
              AuditHeads.Outcome.Refused.class,
              refused -> assertThat(refused.code()).isEqualTo("audit.unknown-head"));
      assertThat(heads(world).countersign(3, Countersignature.sign(site, later, key)))
          .isInstanceOf(AuditHeads.Outcome.Refused.class);
      assertThat(
              heads(world).countersign(1, Countersignature.sign(new SiteId("stranger"), head, key)))
          .isInstanceOfSatisfying(
              AuditHeads.Outcome.Refused.class,
              refused -> assertThat(refused.code()).isEqualTo("audit.no-member"));
      assertThat(
              heads(world)
                  .countersign(
                      1, Countersignature.sign(site, head, world.federation().key(world.id(1)))))
          .isInstanceOfSatisfying(
              AuditHeads.Outcome.Refused.class,
              refused -> assertThat(refused.code()).isEqualTo("audit.bad-signature"));
      assertThat(heads(world).countersignatures(1)).isEmpty();
    }
  }

  @Test
  void anExportHoldsTheWholeLineageAndNothingElse() throws Exception {
    try (var world = world(4).startSites(0, 4)) {
      record(world);
      var run = world.submit(world.federation().submission("exported", 2, 4, PATIENT, HOUR));
      world.running().awaitEnd(run);
      awaitCountersigned(world);
      var models = world.running().models().versions(run);
      var newest = models.getLast();

      var files = export(world, newest.digest());

      var sessions =
          log(world).leaves(run).stream()
              .map(AuditLeaf::decoded)
              .filter(AuditEntry.Session.class::isInstance)
              .map(AuditEntry.Session.class::cast)
              .toList();
      assertThat(files.keySet())
          .containsExactlyInAnyOrder(
              "manifest.cbor",
              "memberships/000001.cbor",
              "models/000000.cbor",
              "models/000001.cbor",
              "models/000002.cbor",
              "plans/000001.cbor",
              "plans/000002.cbor",
              "sums/000001.bin",
              "sums/000002.bin",
              AuditExport.transcript(sessions.get(0).session()),
              AuditExport.transcript(sessions.get(1).session()),
              "leaves.cbor",
              "heads.cbor",
              "weights.safetensors",
              "optimizer-state.safetensors");
      assertThat(AuditExport.Manifest.decode(file(files, "manifest.cbor")))
          .isEqualTo(
              new AuditExport.Manifest(
                  newest.digest(), world.federation().consortium().orElseThrow()));
      var heads = AuditExport.decodeHeads(file(files, "heads.cbor"));
      var root = heads.getLast().head().verify(world.federation().messageKey().publicKey()).root();
      assertThat(AuditExport.decodeLeaves(file(files, "leaves.cbor")))
          .hasSize(6) // membership, two sessions, two rounds, the run's end
          .allSatisfy(leaf ->
              assertThat(
                      leaf.proof()
                          .proves(AuditEntry.decode(leaf.entry().toByteArray()).leafHash(), root))
                  .isTrue());
      assertThat(heads.getLast().countersignatures()).hasSize(4);
      assertThat(Digest.of(file(files, "weights.safetensors")))
          .isEqualTo(newest.version().weights());
      assertThat(export(world, newest.digest()).keySet()).isEqualTo(files.keySet());
      assertThatThrownBy(() -> export(world, models.getFirst().digest()))
          .isInstanceOf(LineageExport.NotExportable.class)
          .hasMessageContaining("follows from the seed");
    }
  }

  /// What taking a membership epoch would have written.
  private static void record(TestWorld world) {
    SignedMembership signed = world.federation().membership().orElseThrow();
    MembershipEpoch epoch = world.federation().epochInForce();
    world
        .running()
        .sql()
        .sql(
            """
            insert into membership_epoch (version, digest, document, signature, issued_at, expires_at, received_at)
            values (?, ?, ?, ?, ?, ?, now())
            """)
        .params(
            epoch.version(),
            signed.digest().bytes(),
            signed.document().toByteArray(),
            signed.signature().toByteArray(),
            epoch.issuedAt().atOffset(ZoneOffset.UTC),
            epoch.expiresAt().atOffset(ZoneOffset.UTC))
        .update();
    append(world, new AuditEntry.Membership(epoch.version(), signed.digest()));
  }

  private static byte[] file(Map<String, byte[]> files, String name) {
    return Optional.ofNullable(files.get(name)).orElseThrow();
  }

  private static Map<String, byte[]> export(TestWorld world, Digest model) throws IOException {
    var bytes = new ByteArrayOutputStream();
    world.running().bean(LineageExport.class).of(model).writeTo(bytes);
    var files = new TreeMap<String, byte[]>();
    try (var zip = new ZipInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
      for (var next = zip.getNextEntry(); next != null; next = zip.getNextEntry()) {
        files.put(next.getName(), zip.readAllBytes());
      }
    }
    return files;
  }
}
