package dev.comity.session;

import static org.assertj.core.api.Assertions.assertThat;

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
import dev.comity.plan.RoundPlan;
import dev.comity.plan.RunId;
import dev.comity.plan.RunKind;
import dev.comity.plan.SiteId;
import dev.comity.plan.UpdateTerms;
import dev.comity.plan.VectorLayout;
import dev.comity.update.AggregateUpdate;
import dev.comity.update.LocalUpdate;
import dev.comity.update.Mask;
import dev.comity.update.MaskKey;
import dev.comity.update.MaskedUpdate;
import dev.comity.update.Metrics;
import dev.comity.update.NoisedUpdate;
import dev.comity.update.RoundingKey;
import dev.comity.update.SumAccumulator;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.UUID;
import java.util.function.BiPredicate;
import java.util.function.Function;
import java.util.stream.IntStream;

/// An aggregator and its sites in one process: the server's state machine and each site's session,
/// with every byte that passes between them at hand.
final class Federation {
  static final Instant NOW = Instant.parse("2026-03-01T12:00:00Z");
  private static final RunId RUN = new RunId(new UUID(3, 5));
  private static final FederationId NAME = new FederationId("demo");
  private static final List<MessageKey> KEYS =
      IntStream.range(0, 33).mapToObj(_ -> MessageKey.generate()).toList();

  final MessageKey aggregator = KEYS.getLast();
  final List<SiteId> sites;
  final MembershipEpoch membership;
  final RoundPlan plan;
  final Map<SiteId, SiteVault> vaults = new HashMap<>();
  final Map<SiteId, PrivacyBook> books = new HashMap<>();
  final Map<SiteId, NoisedUpdate> updates = new HashMap<>();
  final Map<SiteId, SiteSession> sessions = new HashMap<>();
  final Map<SiteId, MaskedUpdate> spool = new HashMap<>();
  final List<SessionEvent> events = new ArrayList<>();

  /// Every change of state, as an arrow of the state diagram.
  final List<String> moves = new ArrayList<>();

  /// Changes the message that a site sends.
  Function<SignedMessage, SignedMessage> onTheWire = Function.identity();

  /// Where a site takes its seeds from.
  Function<SiteId, SecureRandom> randomOf = _ -> new SecureRandom();

  ServerSession server;
  private final GraphRule rule;
  private int attempts;

  Federation(int n, int nC) {
    this(n, nC, _ -> new MemoryVault());
  }

  Federation(int n, int nC, Function<SiteId, SiteVault> vaultOf) {
    this(n, nC, GraphRule.STANDARD, vaultOf);
  }

  /// A ring from `rule.mostComplete() + 1` sites on.
  Federation(int n, int nC, GraphRule rule) {
    this(n, nC, rule, _ -> new MemoryVault());
  }

  private Federation(int n, int nC, GraphRule rule, Function<SiteId, SiteVault> vaultOf) {
    this.rule = rule;
    sites =
        IntStream.range(0, n)
            .mapToObj(i -> new SiteId("site-" + (n > 10 ? "%02d".formatted(i) : i)))
            .toList();
    membership =
        new MembershipEpoch(
            NAME,
            1,
            NOW.minusSeconds(60),
            NOW.plusSeconds(3600),
            aggregator.publicKey(),
            IntStream.range(0, n)
                .mapToObj(i -> new MembershipEpoch.Member(sites.get(i), KEYS.get(i).publicKey()))
                .toList(),
            List.of(),
            nC,
            List.of(new ArchitecturePattern("logistic-regression(6,1)")),
            Optional.empty());
    plan = plan(sites, nC);
    for (SiteId site : sites) {
      vaults.put(site, vaultOf.apply(site));
      books.put(site, PrivacyBook.none());
      updates.put(site, update(sites.indexOf(site)));
    }
    server = ServerSession.open(descriptor(sites, Optional.empty()), membership);
  }

  static RoundPlan plan(List<SiteId> sites, int nC) {
    Architecture architecture = new Architecture(Architecture.LOGISTIC_REGRESSION, List.of(6, 1));
    Encoding encoding = new Encoding(32, 512);
    UpdateTerms terms =
        new UpdateTerms(
            NAME,
            RUN,
            RunKind.TRAIN,
            "heart",
            "to predict heart disease",
            Digest.of(new byte[] {1}),
            Digest.of(new byte[] {2}),
            0,
            architecture,
            Digest.of(new byte[] {3}),
            Digest.of(new byte[] {4}),
            ParameterLayout.of(architecture),
            VectorLayout.of(RunKind.TRAIN, architecture, encoding, 2.5, 1000, 20),
            new LocalObjective.Plain(),
            new LocalTraining(
                Loss.BINARY_CROSS_ENTROPY, 4, new LocalWork.Batches(10), 0.01, 0.0, 0.0),
            7,
            new Weighting.ByExamples(500),
            2.5,
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

  private NoisedUpdate update(int index) {
    Random random = new Random(index);
    float[] delta = new float[7];
    for (int i = 0; i < delta.length; i++) {
      delta[i] = (float) random.nextGaussian();
    }
    List<Long> none = Collections.nCopies(VectorLayout.HISTOGRAM_BINS, 1L);
    byte[] secret = new byte[32];
    random.nextBytes(secret);
    return LocalUpdate.of(delta, (index + 1) / 16.0, new Metrics(3.5, 40, 64, none, none))
        .clip(2.5)
        .encode(
            plan.terms().vector(),
            RoundingKey.derive(secret, RUN, RunKind.TRAIN, 0, new float[] {1}))
        .noise(new Noise.None());
  }

  SessionDescriptor descriptor(
      Collection<SiteId> roster, Optional<SessionDescriptor.Previous> previous) {
    attempts++;
    var limits = new SessionDescriptor.Limits(Duration.ofSeconds(30), Duration.ofMinutes(5));
    return SessionDescriptor.of(
        plan,
        1,
        attempts,
        Digest.of(new byte[] {(byte) attempts, 9}),
        previous,
        membership,
        roster,
        rule,
        limits,
        limits,
        limits);
  }

  /// A further session over the same updates.
  void retry(Collection<SiteId> roster, Optional<SessionDescriptor.Previous> previous) {
    server = ServerSession.open(descriptor(roster, previous), membership);
    events.clear();
    sessions.clear();
    spool.clear();
  }

  SiteSession.Site site(SiteId id) {
    return new SiteSession.Site(
        id,
        key(id),
        1,
        membership,
        vault(id),
        book(id),
        0,
        3,
        rule,
        Clock.fixed(NOW, ZoneOffset.UTC),
        randomOf.apply(id));
  }

  MessageKey key(SiteId id) {
    return KEYS.get(sites.indexOf(id));
  }

  PrivacyBook book(SiteId id) {
    return Objects.requireNonNull(books.get(id));
  }

  SiteVault vault(SiteId id) {
    return Objects.requireNonNull(vaults.get(id));
  }

  /// The site's process dies and another begins over the same vault.
  void restart(SiteId id) {
    Digest session = server.descriptor().id();
    if (SiteSession.isKnown(vault(id), session)) {
      sessions.put(
          id, SiteSession.reopen(site(id), session, _ -> Optional.ofNullable(updates.get(id))));
    } else {
      sessions.remove(id);
    }
  }

  SiteSession session(SiteId id) {
    return Objects.requireNonNull(sessions.get(id));
  }

  byte[] view(SiteId site) {
    return server.viewFor(site, aggregator).orElseThrow().encode();
  }

  ServerSession.Transition send(SessionEvent event) {
    ServerSession.Transition transition = server.on(event);
    if (transition instanceof ServerSession.Transition.Moved(var next)) {
      events.add(event);
      if (next.state() != server.state()) {
        moves.add(
            "%s --%s--> %s"
                .formatted(server.state(), event.getClass().getSimpleName(), next.state()));
      }
      server = next;
    }
    return transition;
  }

  void sendMoved(SessionEvent event) {
    assertThat(send(event)).isInstanceOf(ServerSession.Transition.Moved.class);
  }

  ServerSession.Transition send(SignedMessage message) {
    return send(new SessionEvent.MessageReceived(onTheWire.apply(message)));
  }

  /// What `site` does when it is shown the view it is owed.
  SignedMessage answer(SiteId site, SignedView.Kind kind) {
    byte[] view = view(site);
    return switch (kind) {
      case DESCRIPTOR -> {
        SiteSession session =
            SiteSession.open(site(site), plan, Objects.requireNonNull(updates.get(site)), view);
        sessions.put(site, session);
        yield session.advertise();
      }
      case KEYS -> session(site).share(view);
      case SHARES -> {
        SiteSession.MaskedInput input = session(site).mask(view);
        spool.put(site, input.update());
        yield input.header();
      }
      case HEADERS -> session(site).vote(view);
      case RELEASE -> session(site).release(view);
      case CERTIFICATE -> session(site).unmask(view);
      case ABORT_PROPOSAL -> session(site).abort(view);
    };
  }

  void deliver(SiteId site, SignedView.Kind kind) {
    SignedMessage message = answer(site, kind);
    send(message);
    if (kind == SignedView.Kind.SHARES) {
      send(new SessionEvent.MaskedInputStored(site, spooled(site).chunkRoot()));
    }
  }

  MaskedUpdate spooled(SiteId site) {
    return Objects.requireNonNull(spool.get(site));
  }

  /// Lets every site that `answers` allows do what it owes until nothing more happens but
  /// deadlines, which pass then.
  void run(BiPredicate<SiteId, SignedView.Kind> answers) {
    boolean moving = true;
    while (moving) {
      moving = false;
      for (ServerSession.Owed owed : server.owed()) {
        boolean stillOwed = server.owed().contains(owed);
        if (stillOwed && answers.test(owed.site(), owed.view())) {
          int before = events.size();
          deliver(owed.site(), owed.view());
          moving |= events.size() > before;
        }
      }
      if (!moving && server.deadline().isPresent()) {
        send(new SessionEvent.PhaseDeadlinePassed(server.deadline().get()));
        moving = true;
      }
    }
  }

  void runUntil(ServerSession.State state) {
    while (server.state() != state) {
      ServerSession.Owed owed = server.owed().getFirst();
      deliver(owed.site(), owed.view());
    }
  }

  /// Any body signed by `site` after nothing but the session itself.
  SignedMessage signed(SiteId site, SignedMessage.Phase phase, byte[] body) {
    return signed(site, phase, server.descriptor().id(), body);
  }

  SignedMessage signed(SiteId site, SignedMessage.Phase phase, Digest preceding, byte[] body) {
    return SignedMessage.sign(server.descriptor().id(), site, phase, preceding, body, key(site));
  }

  Digest terms() {
    return plan.terms().digest();
  }

  Standing standing(SiteId site) {
    return Standing.of(vault(site), terms());
  }

  /// The survivors' sum by way of the masks.
  AggregateUpdate maskedSum() {
    SumAccumulator sum = new SumAccumulator(plan.terms().vector(), 1);
    server.survivors().forEach(site -> sum.add(spooled(site)));
    sum.remove(server.recovery());
    return sum.decode(server.survivors().size());
  }

  /// The survivors' sum with no session at all: one known mask each, taken off again.
  AggregateUpdate plainSum(Collection<SiteId> survivors) {
    SumAccumulator sum = new SumAccumulator(plan.terms().vector(), 1);
    List<Mask> masks = new ArrayList<>();
    for (SiteId site : survivors) {
      byte[] key = new byte[32];
      key[0] = (byte) (1 + sites.indexOf(site));
      Mask mask = new Mask(MaskKey.of(key), true);
      masks.add(mask);
      sum.add(Objects.requireNonNull(updates.get(site)).mask(List.of(mask)));
    }
    sum.remove(masks);
    return sum.decode(survivors.size());
  }
}
