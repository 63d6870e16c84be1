package dev.comity.simulation;

import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import dev.comity.session.GraphRule;
import dev.comity.session.LightSite;
import dev.comity.session.ServerSession;
import dev.comity.session.SessionDescriptor;
import dev.comity.session.SessionEvent;
import dev.comity.session.SignedMessage;
import dev.comity.session.SignedView;
import dev.comity.session.SiteSession;
import dev.comity.storage.Storage;
import dev.comity.update.MaskedUpdate;
import dev.comity.update.NoisedUpdate;
import dev.comity.update.SumAccumulator;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ForkJoinPool;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/// One session of many sites and of the aggregator, in one process and without faults but for sites
/// that drop out after P2: the worst moment, since their masks must then be taken off. The
/// aggregator and a sample of sites are the production code whole, compute everything themselves,
/// and only they are timed; the sites of the sample run alone, as the last of each phase, when the
/// code is warm, and never drop out.
///
/// P1 to P3 run once for all drop-out rates, whose sums are taken beside each other: up to there
/// nobody has dropped out. P4 and P5 then run once for each, the aggregator from the state that it
/// had after P2 and the sites from what they kept after P3. Vectors go into the sums as they come,
/// and are not kept.
///
/// How the bulk of the sites answers is a `Bulk`.
final class ScaleRun {
  /// How the sites beside the sample answer; none of them is timed.
  enum Bulk {
    /// By the production code whole, in which what was computed before is not computed again:
    /// signatures verified or made, and agreements. What each keeps grows with n, what all keep
    /// with n².
    WHOLE,
    /// With the same bytes, by a `LightSite`, which checks nothing; agreements are computed once.
    LIGHT,
    /// As `LIGHT` and with as many bytes, but without what neither aggregator nor sample ever sees:
    /// between two of them a hash stands in for the agreement that encrypts shares, and two that
    /// never drop out add no masks to each other's vectors, which would cancel.
    SPARING
  }

  /// What one site of the sample did in one phase: processor milliseconds, and bytes to and from
  /// it.
  record Cost(double milliseconds, long received, long sent) {
    static final Cost NONE = new Cost(0, 0, 0);

    Cost plus(Cost other) {
      return new Cost(
          milliseconds + other.milliseconds, received + other.received, sent + other.sent);
    }

    Cost over(int sites) {
      return new Cost(milliseconds / sites, received / sites, sent / sites);
    }
  }

  /// What became of one drop-out rate. The aggregator's bytes are those of all sites.
  ///
  /// @param site means over the sample, by what was shown
  /// @param aggregator by what was asked for
  /// @param recovery taking the masks off the sum
  /// @param equal whether the sum is the plain sum of the survivors, bit for bit
  /// @param transcript the digest of what everybody may check of the session
  record Outcome(
      int dropOutPercent,
      ServerSession.State end,
      int survivors,
      Map<SignedView.Kind, Cost> site,
      Map<SignedView.Kind, Cost> aggregator,
      double recovery,
      boolean equal,
      Digest transcript) {}

  private static final int AT_ONCE = 32; // vectors in memory
  private static final int UPDATES = 8;
  private static final int SEED_BYTES = 32;
  private static final double NANOSECONDS = 1e6; // a millisecond
  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

  private final SimulatedFederation federation;
  private final int sample;
  private final Bulk bulk;
  private final GraphRule rule;
  private final Consumer<String> progress;
  private final List<SiteId> sites;
  private final List<NoisedUpdate> updates = new ArrayList<>();
  private final Map<SiteId, ScaleVault> vaults = new HashMap<>();
  private final Map<SiteId, SiteSession> sessions = new HashMap<>();
  private final Map<SiteId, LightSite> lights = new HashMap<>();
  private final Set<SiteId> unmasked = new HashSet<>(); // among themselves
  private final SessionDescriptor descriptor;
  private ServerSession server;
  private Map<SignedView.Kind, Cost> site = new EnumMap<>(SignedView.Kind.class);
  private Map<SignedView.Kind, Cost> aggregator = new EnumMap<>(SignedView.Kind.class);

  /// @param sample how many sites are timed
  /// @param progress told what begins
  ScaleRun(
      int n,
      int nC,
      int coordinates,
      int sample,
      Bulk bulk,
      GraphRule rule,
      Consumer<String> progress) {
    this.sample = sample;
    this.bulk = bulk;
    this.rule = rule;
    this.progress = progress;
    federation = new SimulatedFederation(n, nC, coordinates);
    sites = federation.sites();
    for (SiteId each : sites) {
      if (updates.size() < UPDATES) {
        updates.add(federation.update(each));
      }
    }
    var limits = new SessionDescriptor.Limits(Duration.ofMinutes(10), Duration.ofHours(10));
    descriptor =
        SessionDescriptor.of(
            federation.plan(),
            1,
            1,
            Digest.of(new byte[] {9}),
            Optional.empty(),
            federation.membership(),
            sites,
            rule,
            limits,
            limits,
            limits);
    server = ServerSession.open(descriptor, federation.membership());
    Digest session = descriptor.id();
    Digest head = book().head();
    int light = bulk == Bulk.WHOLE ? 0 : n - sample;
    sites.subList(0, light).forEach(each -> lights.put(each, light(each, session, head)));
    sites.subList(light, n).forEach(each -> vaults.put(each, new ScaleVault()));
  }

  private static LightSite light(SiteId id, Digest session, Digest ledgerHead) {
    byte[] seed = new byte[SEED_BYTES];
    secrets(id).nextBytes(seed); // as a site that opens the session draws it
    return new LightSite(id, SimulatedFederation.key(id), session, seed, ledgerHead);
  }

  private static SeededRandom secrets(SiteId id) {
    return new SeededRandom(0, "secrets of " + id);
  }

  SessionDescriptor.Graph graph() {
    return descriptor.graph();
  }

  private NoisedUpdate update(SiteId of) {
    return updates.get(descriptor.indexOf(of).orElseThrow() % updates.size());
  }

  /// One outcome for each rate, of which `ended` is told as soon as it is there.
  List<Outcome> run(List<Integer> dropOutPercents, Consumer<Outcome> ended) {
    MemoisedCryptography.install();
    Map<SiteId, SignedMessage> headers = new TreeMap<>();
    Map<Integer, Set<SiteId>> survivors = new TreeMap<>();
    Map<Integer, SumAccumulator> sums = new TreeMap<>();
    for (int percent : dropOutPercents) {
      survivors.put(percent, survivors(percent));
      sums.put(percent, new SumAccumulator(federation.layout(), 1));
    }
    if (bulk == Bulk.SPARING) {
      unmasked.addAll(lights.keySet());
      survivors.values().forEach(unmasked::retainAll);
    }
    ask(SignedView.Kind.DESCRIPTOR, sites);
    if (bulk == Bulk.SPARING) {
      lights
          .values()
          .forEach(light -> MemoisedCryptography.standIn(light.channelKey(server).toByteArray()));
    }
    ask(SignedView.Kind.KEYS, sites);
    ServerSession collecting = server;
    ask(
        SignedView.Kind.SHARES,
        sites,
        (id, answer) -> {
          headers.put(id, answer.message());
          List<SumAccumulator> with = new ArrayList<>();
          sums.forEach((percent, sum) -> {
            if (Objects.requireNonNull(survivors.get(percent)).contains(id)) {
              with.add(sum);
            }
          });
          add(answer.vector().orElseThrow(), with);
        });
    Map<SignedView.Kind, Cost> siteSoFar = site;
    Map<SignedView.Kind, Cost> aggregatorSoFar = aggregator;
    List<Outcome> outcomes = new ArrayList<>();
    for (int percent : dropOutPercents) {
      site = new EnumMap<>(siteSoFar);
      aggregator = new EnumMap<>(aggregatorSoFar);
      server = collecting;
      vaults.values().forEach(ScaleVault::rewind);
      Outcome outcome =
          end(
              percent,
              Objects.requireNonNull(survivors.get(percent)),
              headers,
              Objects.requireNonNull(sums.get(percent)));
      ended.accept(outcome);
      outcomes.add(outcome);
    }
    return outcomes;
  }

  /// Timed as if there were one sum.
  private void add(MaskedUpdate vector, List<SumAccumulator> sums) {
    double all = onOneCore(() -> sums.forEach(sum -> sum.add(vector)));
    if (!sums.isEmpty()) {
      aggregator.merge(SignedView.Kind.SHARES, new Cost(all / sums.size(), 0, 0), Cost::plus);
    }
  }

  /// Does `work` on one core, also what it would spread over several.
  ///
  /// @return the processor time of it in milliseconds, whatever else the machine does
  private static double onOneCore(Runnable work) {
    try (ForkJoinPool core = new ForkJoinPool(1)) {
      return core.submit(
              () -> {
                long begun = THREADS.getCurrentThreadCpuTime();
                work.run();
                return (THREADS.getCurrentThreadCpuTime() - begun) / NANOSECONDS;
              })
          .join();
    }
  }

  /// Drop-outs are spread evenly by chance over all but the sample.
  private Set<SiteId> survivors(int dropOutPercent) {
    List<SiteId> shuffled = new ArrayList<>(sites.subList(0, sites.size() - sample));
    Collections.shuffle(shuffled, new SeededRandom(dropOutPercent, "drop-outs"));
    Set<SiteId> survivors = new TreeSet<>(sites);
    shuffled
        .subList(0, (int) ((long) sites.size() * dropOutPercent / 100))
        .forEach(survivors::remove);
    return survivors;
  }

  private Outcome end(
      int percent, Set<SiteId> surviving, Map<SiteId, SignedMessage> headers, SumAccumulator sum) {
    progress.accept("%d %% drop out".formatted(percent));
    timed(
        SignedView.Kind.SHARES,
        () -> {
          headers.forEach((id, header) -> {
            if (surviving.contains(id)) {
              happened(new SessionEvent.MessageReceived(header));
              Digest root = server.headerRoot(id).orElseThrow();
              happened(new SessionEvent.MaskedInputStored(id, root));
            }
          });
          server
              .deadline()
              .ifPresent(phase -> happened(new SessionEvent.PhaseDeadlinePassed(phase)));
        });
    List<SiteId> there = List.copyOf(surviving);
    if (server.state() == ServerSession.State.VOTING) {
      ask(SignedView.Kind.HEADERS, there);
      if (server.state() == ServerSession.State.RELEASING) {
        ask(SignedView.Kind.RELEASE, there);
      }
      ask(SignedView.Kind.CERTIFICATE, there);
    } else {
      ask(SignedView.Kind.ABORT_PROPOSAL, there);
    }
    if (server.state() != ServerSession.State.DONE) {
      return new Outcome(percent, server.state(), 0, site, aggregator, 0, false, transcript());
    }
    double recovery = onOneCore(() -> sum.remove(server.recovery()));
    List<SiteId> summed = server.survivors();
    boolean equal =
        Arrays.equals(
            sum.decode(summed.size()).encode(), federation.plainSum(summed, this::update).encode());
    return new Outcome(
        percent, server.state(), summed.size(), site, aggregator, recovery, equal, transcript());
  }

  private Digest transcript() {
    return Digest.of(server.transcript());
  }

  private record Answer(SignedMessage message, Optional<MaskedUpdate> vector) {
    long bytes() {
      return message.body().size()
          + message.signature().size()
          + vector.map(MaskedUpdate::byteLength).orElse(0L);
    }
  }

  private record Asked(SiteId id, byte[] view, Answer answer) {}

  private interface Then {
    void with(SiteId id, Answer answer);
  }

  private static Answer said(SignedMessage message) {
    return new Answer(message, Optional.empty());
  }

  private static Answer said(SiteSession.MaskedInput input) {
    return new Answer(input.header(), Optional.of(input.update()));
  }

  private Answer answer(SignedView.Kind kind, byte[] view, SiteId id) {
    LightSite light = lights.get(id);
    return light == null ? wholly(kind, view, id) : lightly(light, kind, id);
  }

  private Answer wholly(SignedView.Kind kind, byte[] view, SiteId id) {
    return switch (kind) {
      case DESCRIPTOR -> said(advertise(view, id));
      case KEYS -> said(session(id).share(view));
      case SHARES -> {
        SiteSession.MaskedInput input = session(id).mask(view);
        Objects.requireNonNull(vaults.get(id)).forgetInput();
        yield said(input);
      }
      case HEADERS -> said(session(id).vote(view));
      case RELEASE -> said(session(id).release(view));
      case CERTIFICATE -> said(session(id).unmask(view));
      case ABORT_PROPOSAL -> said(session(id).abort(view));
    };
  }

  private Answer lightly(LightSite light, SignedView.Kind kind, SiteId id) {
    return switch (kind) {
      case SHARES -> said(light.mask(server, update(id), unmasked));
      case DESCRIPTOR, KEYS, HEADERS, RELEASE, CERTIFICATE, ABORT_PROPOSAL ->
          said(light.answer(server));
    };
  }

  private SiteSession session(SiteId id) {
    return Objects.requireNonNull(sessions.get(id));
  }

  private SignedMessage advertise(byte[] view, SiteId id) {
    SiteSession opened =
        SiteSession.open(
            new SiteSession.Site(
                id,
                SimulatedFederation.key(id),
                1,
                federation.membership(),
                Objects.requireNonNull(vaults.get(id)),
                book(),
                0,
                SimulatedFederation.MIN_HONEST,
                rule,
                new World(0, false).clock(),
                secrets(id)),
            federation.plan(),
            update(id),
            view);
    synchronized (sessions) {
      sessions.put(id, opened);
    }
    return opened.advertise();
  }

  /// With the reservation for the one update.
  private StoredBook book() {
    StoredBook book = new StoredBook(new Storage(new SimulatedDisk(true)), Path.of("/book"));
    book.reserve(federation.terms());
    return book;
  }

  private void ask(SignedView.Kind kind, List<SiteId> asked) {
    ask(kind, asked, (_, _) -> {});
  }

  /// Shows `asked` their views and lets the aggregator hear the answers, until it goes on to the
  /// next phase or all have answered. The last of them are the sample.
  private void ask(SignedView.Kind kind, List<SiteId> asked, Then then) {
    ServerSession.State phase = server.state();
    progress.accept("%s to %d sites".formatted(kind, asked.size()));
    Cost sampled = Cost.NONE;
    int timed = Math.min(sample, asked.size());
    List<SiteId> last = asked.subList(asked.size() - timed, asked.size());
    List<SiteId> others = asked.subList(0, asked.size() - timed);
    boolean hears = kind != SignedView.Kind.SHARES;
    // The sample answers the same view as all others, also where a quorum would do without it.
    List<Asked> samples = new ArrayList<>();
    List<byte[]> shown = views(kind, last);
    for (int from = 0; from < others.size() && server.state() == phase; from += AT_ONCE) {
      List<SiteId> some = others.subList(from, Math.min(from + AT_ONCE, others.size()));
      List<byte[]> views = views(kind, some);
      List<Asked> answers =
          IntStream.range(0, some.size())
              .parallel()
              .mapToObj(i ->
                  new Asked(some.get(i), views.get(i), answer(kind, views.get(i), some.get(i))))
              .toList();
      heard(kind, answers, then, hears, phase);
    }
    for (int i = 0; i < timed; i++) {
      SiteId id = last.get(i);
      byte[] view = shown.get(i);
      Answer[] answer = new Answer[1];
      double took =
          onOneCore(
              () -> MemoisedCryptography.withoutMemory(() -> answer[0] = answer(kind, view, id)));
      sampled = sampled.plus(new Cost(took, view.length, answer[0].bytes()));
      samples.add(new Asked(id, view, answer[0]));
    }
    heard(kind, samples, then, hears, phase);
    site.put(kind, sampled.over(timed));
  }

  private List<byte[]> views(SignedView.Kind kind, List<SiteId> to) {
    List<byte[]> views = new ArrayList<>();
    timed(
        kind,
        () -> {
          for (SiteId id : to) {
            views.add(
                server
                    .viewFor(id, SimulatedFederation.aggregator())
                    .map(SignedView::encode)
                    .orElseThrow());
          }
        });
    return views;
  }

  private void heard(
      SignedView.Kind kind,
      List<Asked> answers,
      Then then,
      boolean hears,
      ServerSession.State phase) {
    long received = 0;
    long sent = 0;
    for (Asked asked : answers) {
      received += asked.answer().bytes();
      sent += asked.view().length;
    }
    aggregator.merge(kind, new Cost(0, received, sent), Cost::plus);
    timed(
        kind,
        () ->
            answers.forEach(asked -> {
              if (hears && server.state() == phase) {
                happened(new SessionEvent.MessageReceived(asked.answer().message()));
              }
            }));
    answers.forEach(asked -> then.with(asked.id(), asked.answer()));
  }

  /// The aggregator's time, with nothing remembered.
  private void timed(SignedView.Kind kind, Runnable work) {
    double took = onOneCore(() -> MemoisedCryptography.withoutMemory(work));
    aggregator.merge(kind, new Cost(took, 0, 0), Cost::plus);
  }

  private void happened(SessionEvent event) {
    server =
        switch (server.on(event)) {
          case ServerSession.Transition.Moved(var next) -> next;
          case ServerSession.Transition.Ignored(_, var reason) ->
              throw new IllegalStateException("the aggregator ignores an answer: " + reason);
          case ServerSession.Transition.Refused(_, var reason) ->
              throw new IllegalStateException("the aggregator refuses an answer: " + reason);
        };
  }
}
