package dev.comity.session;

import dev.comity.algorithm.LocalObjective;
import dev.comity.algorithm.ServerStep;
import dev.comity.algorithm.Weighting;
import dev.comity.codec.CborWriter;
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
import dev.comity.plan.RoundPlan;
import dev.comity.plan.RunId;
import dev.comity.plan.RunKind;
import dev.comity.plan.SiteId;
import dev.comity.plan.UpdateTerms;
import dev.comity.plan.VectorLayout;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.IntStream;

/// The sites of one session on the complete graph, a fifth of which may collude, with their secrets
/// and signed messages up to the votes.
final class Cohort {
  private static final FederationId FEDERATION = new FederationId("bench");
  private static final Instant NOW = Instant.parse("2026-03-01T12:00:00Z");
  private static final RunId RUN = new RunId(new UUID(3, 5));

  final List<SiteId> sites;
  final Roster roster;
  final KeyList keys;
  final MembershipEpoch membership;
  private final List<MessageKey> messageKeys;

  Cohort(int n) {
    int nC = n / 5;
    sites = IntStream.range(0, n).mapToObj(i -> new SiteId("site-%03d".formatted(i))).toList();
    messageKeys = IntStream.range(0, n).mapToObj(_ -> MessageKey.generate()).toList();
    membership =
        new MembershipEpoch(
            FEDERATION,
            1,
            NOW,
            NOW.plusSeconds(3600),
            MessageKey.generate().publicKey(),
            IntStream.range(0, n)
                .mapToObj(
                    i -> new MembershipEpoch.Member(sites.get(i), messageKeys.get(i).publicKey()))
                .toList(),
            List.of(),
            nC,
            List.of(new ArchitecturePattern("logistic-regression(6,1)")),
            Optional.empty());
    var limits = new SessionDescriptor.Limits(Duration.ofSeconds(30), Duration.ofMinutes(5));
    roster =
        Roster.of(
            SessionDescriptor.of(
                plan(nC),
                1,
                1,
                Digest.of(new byte[] {9}),
                Optional.empty(),
                membership,
                sites,
                limits,
                limits,
                limits),
            membership);
    List<SignedMessage> advertisements = new ArrayList<>();
    for (int i = 0; i < n; i++) {
      advertisements.add(
          signed(
              i, SignedMessage.Phase.ADVERTISE_KEYS, roster.session(), advertisement(i).encode()));
    }
    keys = KeyList.of(roster, advertisements);
  }

  /// Fresh from the seed, with its three derivations.
  Secrets secrets(int site) {
    return new Secrets(roster.session(), seed(site));
  }

  Advertisement advertisement(int site) {
    return secrets(site).advertisement(site, 1, PrivacyBook.EMPTY, membership);
  }

  byte[] derived(int site, String label) {
    return Derivation.key(
        seed(site), roster.session(), new Transcribed().label(label).digest(roster.session()));
  }

  SignedMessage signed(int site, SignedMessage.Phase phase, Digest preceding, byte[] body) {
    return SignedMessage.sign(
        roster.session(), sites.get(site), phase, preceding, body, messageKeys.get(site));
  }

  /// One message of `phase` from each of the first `count` sites.
  List<SignedMessage> messages(int count, SignedMessage.Phase phase, Digest preceding) {
    return IntStream.range(0, count)
        .mapToObj(i -> signed(i, phase, preceding, body(phase)))
        .toList();
  }

  private byte[] body(SignedMessage.Phase phase) {
    return switch (phase) {
      case VOTE -> Ballot.COMMIT.body();
      case MASKED_INPUT -> new InputHeader(keys.h1(), keys.h1()).encode();
      case ADVERTISE_KEYS, SHARE_KEYS, RELEASE, UNMASK ->
          CborWriter.map().bytes("root", keys.h1().bytes()).toBytes();
    };
  }

  private static byte[] seed(int site) {
    return Digest.of(ByteBuffer.allocate(Integer.BYTES).putInt(site).array()).bytes();
  }

  private RoundPlan plan(int nC) {
    Architecture architecture = new Architecture(Architecture.LOGISTIC_REGRESSION, List.of(6, 1));
    Encoding encoding = new Encoding(32, 512);
    UpdateTerms terms =
        new UpdateTerms(
            FEDERATION,
            RUN,
            RunKind.TRAIN,
            "bench",
            "to measure",
            Digest.of(new byte[] {1}),
            Digest.of(new byte[] {2}),
            0,
            architecture,
            Digest.of(new byte[] {3}),
            Digest.of(new byte[] {4}),
            ParameterLayout.of(architecture),
            VectorLayout.of(RunKind.TRAIN, architecture, encoding, 1, 1000, 20),
            new LocalObjective.Plain(),
            new LocalTraining(
                Loss.BINARY_CROSS_ENTROPY, 4, new LocalWork.Batches(10), 0.01, 0.0, 0.0),
            7,
            new Weighting.ByExamples(500),
            1,
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
        sites.size(),
        nC,
        3,
        Duration.ofMinutes(5),
        Duration.ofHours(1));
  }
}
