package dev.comity.round.engine;

import dev.comity.algorithm.FederatedAlgorithm;
import dev.comity.algorithm.Weighting;
import dev.comity.membership.ArchitecturePattern;
import dev.comity.membership.MembershipEpoch;
import dev.comity.membership.MessageKey;
import dev.comity.membership.MessagePublicKey;
import dev.comity.membership.SignedMembership;
import dev.comity.plan.Architecture;
import dev.comity.plan.Digest;
import dev.comity.plan.Encoding;
import dev.comity.plan.FederationId;
import dev.comity.plan.LocalTraining;
import dev.comity.plan.LocalWork;
import dev.comity.plan.Loss;
import dev.comity.plan.Noise;
import dev.comity.plan.RunId;
import dev.comity.plan.RunKind;
import dev.comity.plan.SiteId;
import dev.comity.plan.Suite;
import dev.comity.plan.VectorLayout;
import dev.comity.registry.postgres.RegistryMigrations;
import dev.comity.round.FederationAuthority;
import dev.comity.run.RunSubmission;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.flywaydb.core.Flyway;
import org.springframework.jdbc.core.simple.JdbcClient;

/// A federation whose sites are members: keys, a signed epoch and the rows that enrolment would
/// have written.
final class TestFederation implements FederationAuthority {

  static final Architecture MODEL =
      new Architecture(Architecture.LOGISTIC_REGRESSION, List.of(3, 1));

  private final MessageKey consortium = MessageKey.generate();
  private final Deque<MessageKey> aggregators =
      new ConcurrentLinkedDeque<>(List.of(MessageKey.generate()));
  private final List<MembershipEpoch.Revocation> replaced = new ArrayList<>();
  private final Set<Digest> erased = ConcurrentHashMap.newKeySet();
  private final Map<SiteId, MessageKey> keys = new ConcurrentSkipListMap<>();
  private final Map<Digest, MembershipEpoch> epochs = new ConcurrentSkipListMap<>();
  private final AtomicReference<SignedMembership> newest = new AtomicReference<>();
  private final JdbcClient sql;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private boolean open;

  TestFederation(DataSource database, int sites) {
    Flyway.configure().dataSource(database).locations("classpath:db/migration").load().migrate();
    RegistryMigrations.apply(database);
    sql = JdbcClient.create(database);
    for (var index = 0; index < sites; index++) {
      keys.put(new SiteId("site-" + (char) ('a' + index)), MessageKey.generate());
    }
    admit(sites());
    keys.forEach((site, key) ->
        sql.sql(
                """
                insert into site (site_id, message_key, certificate_serial, certificate_not_after, enrolled_at, state)
                values (?, ?, '1', ?, ?, 'ACTIVE')
                """)
            .params(
                site.value(),
                key.publicKey().bytes(),
                Instant.now().plus(90, ChronoUnit.DAYS).atOffset(ZoneOffset.UTC),
                Instant.now().atOffset(ZoneOffset.UTC))
            .update());
  }

  /// Says that an aggregator answers from now on.
  void open() {
    lock.lock();
    try {
      open = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /// Says that the aggregator is gone.
  void shut() {
    lock.lock();
    try {
      open = false;
    } finally {
      lock.unlock();
    }
  }

  /// Waits until an aggregator answers.
  void awaitOpen() throws InterruptedException {
    lock.lockInterruptibly();
    try {
      while (!open) {
        changed.await();
      }
    } finally {
      lock.unlock();
    }
  }

  /// A further epoch with exactly these members.
  void admit(List<SiteId> members) {
    admit(members, Instant.now().plus(30, ChronoUnit.DAYS));
  }

  /// As the other, with an end that may be past; who left is revoked as stolen.
  void admit(List<SiteId> members, Instant expiresAt) {
    var before = Optional.ofNullable(newest.get());
    var end = expiresAt.truncatedTo(ChronoUnit.MILLIS);
    var now = Instant.now().truncatedTo(ChronoUnit.MILLIS);
    var issued = now.isBefore(end) ? now : end.minusSeconds(1);
    var epoch =
        new MembershipEpoch(
            federation(),
            epochs.size() + 1L,
            issued,
            end,
            messageKey().publicKey(),
            members.stream()
                .map(site -> new MembershipEpoch.Member(site, key(site).publicKey()))
                .toList(),
            Stream.concat(
                    replaced.stream(),
                    sites().stream()
                        .filter(site -> !members.contains(site))
                        .map(site ->
                            new MembershipEpoch.Revocation(
                                Optional.of(site),
                                key(site).publicKey().fingerprint(),
                                now,
                                "stolen")))
                .toList(),
            1,
            List.of(new ArchitecturePattern(Architecture.LOGISTIC_REGRESSION)),
            before.map(SignedMembership::digest));
    var signed = SignedMembership.sign(epoch, consortium);
    epochs.put(signed.digest(), epoch);
    newest.set(signed);
  }

  /// A further epoch in which the aggregator has a new message key.
  void rotateAggregator() {
    replaced(Optional.empty(), messageKey());
    aggregators.addLast(MessageKey.generate());
    admit(sites());
  }

  /// A further epoch in which `site` has a new message key.
  void rotate(SiteId site) {
    replaced(Optional.of(site), key(site));
    keys.put(site, MessageKey.generate());
    admit(sites());
    sql.sql("update site set message_key = ? where site_id = ?")
        .params(key(site).publicKey().bytes(), site.value())
        .update();
  }

  private void replaced(Optional<SiteId> holder, MessageKey key) {
    replaced.add(
        new MembershipEpoch.Revocation(
            holder,
            key.publicKey().fingerprint(),
            Instant.now().truncatedTo(ChronoUnit.MILLIS),
            "key rotated"));
  }

  /// Whether the aggregator has erased this message key of its own.
  boolean erased(MessageKey key) {
    return erased.contains(key.publicKey().fingerprint());
  }

  List<SiteId> sites() {
    return List.copyOf(keys.keySet());
  }

  MessageKey key(SiteId site) {
    return Optional.ofNullable(keys.get(site)).orElseThrow();
  }

  MembershipEpoch epochInForce() {
    return membership(membership().orElseThrow().digest()).orElseThrow();
  }

  @Override
  public FederationId federation() {
    return new FederationId("test");
  }

  @Override
  public long epoch() {
    return 1;
  }

  @Override
  public MessageKey messageKey() {
    return aggregators.getLast();
  }

  @Override
  public Optional<MessageKey> messageKey(Digest membership) {
    return membership(membership)
        .flatMap(epoch ->
            aggregators.stream()
                .filter(key -> key.publicKey().equals(epoch.aggregator()))
                .filter(key -> !erased(key))
                .findFirst());
  }

  @Override
  public boolean holdsFormerKeys() {
    return aggregators.size() > erased.size() + 1;
  }

  @Override
  public void eraseFormerKeys(Set<Digest> inUse) {
    var needed =
        inUse.stream()
            .flatMap(digest -> membership(digest).stream())
            .map(MembershipEpoch::aggregator)
            .collect(Collectors.toSet());
    aggregators.stream()
        .filter(key -> !key.equals(messageKey()) && !needed.contains(key.publicKey()))
        .forEach(key -> erased.add(key.publicKey().fingerprint()));
  }

  @Override
  public Optional<MessagePublicKey> consortium() {
    return Optional.of(consortium.publicKey());
  }

  @Override
  public Optional<SignedMembership> membership() {
    return Optional.ofNullable(newest.get());
  }

  @Override
  public Optional<MembershipEpoch> membership(Digest digest) {
    return Optional.ofNullable(epochs.get(digest));
  }

  /// What a site never shows; the same in every test, so that its rounding is.
  static byte[] secretOf(SiteId site) {
    return Digest.of(("secret of " + site).getBytes(StandardCharsets.UTF_8)).bytes();
  }

  /// A submission whose id, hence whose every digest, follows from `name`.
  RunSubmission submission(
      String name, int rounds, int minReady, Duration silenceLimit, Duration hardLimit) {
    return submission(name, rounds, minReady, silenceLimit, hardLimit, sites());
  }

  RunSubmission submission(
      String name,
      int rounds,
      int minReady,
      Duration silenceLimit,
      Duration hardLimit,
      List<SiteId> cohort) {
    return submission(
        name,
        rounds,
        minReady,
        silenceLimit,
        hardLimit,
        cohort,
        new LocalWork.Epochs(1),
        new Noise.None(),
        Suite.STANDARD);
  }

  /// Whose sessions are of `suite`.
  RunSubmission submission(
      String name,
      int rounds,
      int minReady,
      Duration silenceLimit,
      Duration hardLimit,
      Suite suite) {
    return submission(
        name,
        rounds,
        minReady,
        silenceLimit,
        hardLimit,
        sites(),
        new LocalWork.Epochs(1),
        new Noise.None(),
        suite);
  }

  /// With record-level differential privacy.
  RunSubmission privateSubmission(
      String name, int rounds, int minReady, Duration silenceLimit, Duration hardLimit) {
    return submission(
        name,
        rounds,
        minReady,
        silenceLimit,
        hardLimit,
        sites(),
        new LocalWork.PoissonSteps(10, 0.1),
        new Noise.RecordLevel(1.1, 1, 1e-5),
        Suite.STANDARD);
  }

  private static RunSubmission submission(
      String name,
      int rounds,
      int minReady,
      Duration silenceLimit,
      Duration hardLimit,
      List<SiteId> cohort,
      LocalWork work,
      Noise noise,
      Suite suite) {
    var contract = "{\"features\":[\"x1\",\"x2\",\"x3\"],\"label\":\"y\"}";
    return new RunSubmission(
        new RunId(UUID.nameUUIDFromBytes(name.getBytes(StandardCharsets.UTF_8))),
        name,
        "study",
        "to test",
        Digest.of(contract.getBytes(StandardCharsets.UTF_8)),
        contract,
        MODEL,
        new FederatedAlgorithm.FedAvg(new Weighting.Uniform(), 1),
        new LocalTraining(Loss.BINARY_CROSS_ENTROPY, 8, work, 0.1, 0, 0),
        rounds,
        7,
        10,
        noise,
        new Encoding(32, 8),
        cohort,
        minReady,
        1,
        3,
        1000,
        20,
        silenceLimit,
        hardLimit,
        false,
        suite,
        noise.isPrivate() ? "{\"privacy\": {\"kind\": \"record-level\"}}" : "{}");
  }

  /// Length of a masked vector of the submissions.
  int vectorBytes() {
    return Math.toIntExact(
        VectorLayout.of(RunKind.TRAIN, MODEL, new Encoding(32, 8), 10, 1000, 20).byteLength());
  }

  static List<Long> histogram(int bin, long count) {
    return IntStream.range(0, 32).mapToObj(index -> index == bin ? count : 0L).toList();
  }
}
