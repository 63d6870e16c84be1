package dev.comity.simulation;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.comity.algorithm.LocalObjective;
import dev.comity.algorithm.ServerStep;
import dev.comity.algorithm.Weighting;
import dev.comity.membership.ArchitecturePattern;
import dev.comity.membership.MembershipEpoch;
import dev.comity.membership.MessageKey;
import dev.comity.plan.Architecture;
import dev.comity.plan.Digest;
import dev.comity.plan.Encoding;
import dev.comity.plan.FederationId;
import dev.comity.plan.LocalTraining;
import dev.comity.plan.LocalWork;
import dev.comity.plan.Loss;
import dev.comity.plan.Noise;
import dev.comity.plan.ParameterLayout;
import dev.comity.plan.Quorum;
import dev.comity.plan.RoundPlan;
import dev.comity.plan.RunId;
import dev.comity.plan.RunKind;
import dev.comity.plan.SiteId;
import dev.comity.plan.Suite;
import dev.comity.plan.UpdateTerms;
import dev.comity.plan.VectorLayout;
import dev.comity.session.GraphRule;
import dev.comity.update.AggregateUpdate;
import dev.comity.update.LocalUpdate;
import dev.comity.update.Mask;
import dev.comity.update.MaskKey;
import dev.comity.update.Metrics;
import dev.comity.update.NoisedUpdate;
import dev.comity.update.RoundingKey;
import dev.comity.update.SumAccumulator;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.stream.IntStream;

/// Who takes part in a simulation: keys, membership, one plan and each site's update, all from
/// their names alone.
final class SimulatedFederation {
  static final Instant START = Instant.parse("2026-03-01T12:00:00Z");
  static final int MIN_HONEST = 3;

  private static final FederationId NAME = new FederationId("simulated");
  private static final RunId RUN = new RunId(new UUID(3, 5));
  private static final double CLIP_NORM = 2.5;
  private static final Map<String, MessageKey> KEYS = new ConcurrentHashMap<>();

  private final List<SiteId> sites;
  private final RoundPlan plan;
  private final MembershipEpoch membership;
  private final GraphRule rule;

  SimulatedFederation(int n, int nC, int parameters) {
    this(n, nC, parameters, GraphRule.STANDARD);
  }

  SimulatedFederation(int n, int nC, int parameters, GraphRule rule) {
    this.rule = rule;
    sites = IntStream.range(0, n).mapToObj(SimulatedFederation::site).toList();
    plan = plan(sites, nC, parameters);
    membership =
        new MembershipEpoch(
            NAME,
            1,
            START.minusSeconds(60),
            START.plus(Duration.ofDays(365)),
            aggregator().publicKey(),
            sites.stream().map(SimulatedFederation::member).toList(),
            List.of(),
            nC,
            List.of(new ArchitecturePattern("logistic-regression(%d,1)".formatted(parameters - 1))),
            Optional.empty());
  }

  /// Named so that the order of names is the order of numbers.
  private static SiteId site(int number) {
    return new SiteId("site-%05d".formatted(number));
  }

  private static MembershipEpoch.Member member(SiteId site) {
    return new MembershipEpoch.Member(site, key(site).publicKey());
  }

  static MessageKey key(SiteId site) {
    return keyOf(site.value());
  }

  static MessageKey aggregator() {
    return keyOf("aggregator");
  }

  private static MessageKey keyOf(String name) {
    return KEYS.computeIfAbsent(
        name, owner -> MessageKey.generate(new SeededRandom(0, "message key of " + owner)));
  }

  /// Sorted.
  List<SiteId> sites() {
    return sites;
  }

  RoundPlan plan() {
    return plan;
  }

  MembershipEpoch membership() {
    return membership;
  }

  /// Of every session.
  GraphRule rule() {
    return rule;
  }

  Digest terms() {
    return plan.terms().digest();
  }

  VectorLayout layout() {
    return plan.terms().vector();
  }

  /// The next membership, without `revoked`.
  static MembershipEpoch without(MembershipEpoch before, SiteId revoked) {
    List<MembershipEpoch.Revocation> revocations = new ArrayList<>(before.revocations());
    revocations.add(
        new MembershipEpoch.Revocation(
            Optional.of(revoked),
            key(revoked).publicKey().fingerprint(),
            before.issuedAt(),
            "restored from a backup"));
    return new MembershipEpoch(
        before.federation(),
        before.version() + 1,
        before.issuedAt(),
        before.expiresAt(),
        before.aggregator(),
        before.members().stream().filter(member -> !member.site().equals(revoked)).toList(),
        revocations,
        before.nCFloor(),
        before.allowedArchitectures(),
        Optional.of(before.digest()));
  }

  private static RoundPlan plan(List<SiteId> sites, int nC, int parameters) {
    Architecture architecture =
        new Architecture(Architecture.LOGISTIC_REGRESSION, List.of(parameters - 1, 1));
    Encoding encoding = new Encoding(32, Math.max(512, sites.size()));
    UpdateTerms terms =
        new UpdateTerms(
            NAME,
            RUN,
            RunKind.TRAIN,
            "simulation",
            "to try sessions out",
            Digest.of(new byte[] {1}),
            Digest.of(new byte[] {2}),
            0,
            architecture,
            Digest.of(new byte[] {3}),
            Digest.of(new byte[] {4}),
            ParameterLayout.of(architecture),
            VectorLayout.of(RunKind.TRAIN, architecture, encoding, CLIP_NORM, 1000, 20),
            new LocalObjective.Plain(),
            new LocalTraining(
                Loss.BINARY_CROSS_ENTROPY, 4, new LocalWork.Batches(10), 0.01, 0.0, 0.0),
            7,
            new Weighting.ByExamples(500),
            CLIP_NORM,
            new Noise.None(),
            encoding,
            1000,
            20,
            true);
    return new RoundPlan(
        terms,
        1,
        sites,
        new ServerStep.Average(1),
        Quorum.leastSites(nC, MIN_HONEST),
        nC,
        MIN_HONEST,
        Duration.ofMinutes(5),
        Duration.ofHours(1),
        Suite.STANDARD);
  }

  /// The one update of `site`.
  NoisedUpdate update(SiteId site) {
    SeededRandom random = new SeededRandom(sites.indexOf(site), "update");
    float[] delta = new float[Math.toIntExact(plan.terms().parameters().size())];
    for (int i = 0; i < delta.length; i++) {
      delta[i] = random.nextFloat() - 0.5f;
    }
    List<Long> bins = Collections.nCopies(VectorLayout.HISTOGRAM_BINS, 1L);
    byte[] secret = new byte[32];
    random.nextBytes(secret);
    return LocalUpdate.of(
            delta,
            (1 + random.nextInt(16)) / 16.0,
            new Metrics(3.5, 40, 2L * VectorLayout.HISTOGRAM_BINS, bins, bins))
        .clip(CLIP_NORM)
        .encode(layout(), RoundingKey.derive(secret, RUN, RunKind.TRAIN, 0, new float[] {1}))
        .noise(new Noise.None());
  }

  /// The sum of these sites' updates without any session: each under one known mask, which is taken
  /// off again.
  AggregateUpdate plainSum(Collection<SiteId> contributors) {
    return plainSum(contributors, this::update);
  }

  /// As the other, of these updates.
  AggregateUpdate plainSum(
      Collection<SiteId> contributors, Function<SiteId, NoisedUpdate> updates) {
    SumAccumulator sum = new SumAccumulator(layout(), 1);
    List<Mask> masks = new ArrayList<>();
    for (SiteId site : contributors) {
      byte[] key = Digest.of(site.value().getBytes(UTF_8)).bytes();
      Mask mask = new Mask(MaskKey.of(key), true);
      masks.add(mask);
      sum.add(updates.apply(site).mask(List.of(mask)));
    }
    sum.remove(masks);
    return sum.decode(contributors.size());
  }
}
