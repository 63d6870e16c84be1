package dev.comity.simulation;

import dev.comity.membership.MembershipEpoch;
import dev.comity.plan.Digest;
import dev.comity.plan.Quorum;
import dev.comity.plan.SiteId;
import dev.comity.session.Certificate;
import dev.comity.session.ServerSession;
import dev.comity.session.SessionDescriptor;
import dev.comity.session.SessionEvent;
import dev.comity.session.SignedMessage;
import dev.comity.storage.Storage;
import dev.comity.update.AggregateUpdate;
import dev.comity.update.MaskedUpdate;
import dev.comity.update.SumAccumulator;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SortedSet;
import java.util.function.BiConsumer;

/// An aggregator that follows the protocol: it stores each event before it acts on it, spools the
/// masked vectors, and opens one session after the other until a sum is released. Its process and
/// power fail like those of any site.
final class HonestAggregator extends Machine implements Aggregator {
  private static final Path SESSIONS = Path.of("/sessions");
  private static final Path SPOOL = Path.of("/spool");
  private static final Path SUM = Path.of("/sum");
  private static final int LEAST_PHASE_MILLISECONDS = 4_000;
  private static final int MORE_PHASE_MILLISECONDS = 16_000;
  private static final int MOST_ATTEMPTS = 200;

  private final long seed;
  private final SimulatedFederation federation;
  private final Observer observer;
  private final BiConsumer<SiteId, Packet> toSites;
  private final Tally tally;
  private MembershipEpoch membership;
  private final Map<Long, MembershipEpoch> memberships = new HashMap<>();

  private Storage storage = new Storage(disk());
  private final List<Fold> sessions = new ArrayList<>();

  HonestAggregator(
      World world,
      long seed,
      SimulatedFederation federation,
      Observer observer,
      BiConsumer<SiteId, Packet> toSites,
      Tally tally,
      SimulatedDisk disk,
      int crashes) {
    super(world, "aggregator", disk, crashes);
    this.seed = seed;
    this.federation = federation;
    this.observer = observer;
    this.toSites = toSites;
    this.tally = tally;
    this.membership = federation.membership();
    memberships.put(membership.version(), membership);
  }

  @Override
  void boot() {
    storage = new Storage(disk());
    sessions.clear();
    for (int attempt = 1; ; attempt++) {
      Optional<byte[]> descriptor = read(folder(attempt).resolve("descriptor"));
      if (descriptor.isEmpty()) {
        break;
      }
      SessionDescriptor opened = SessionDescriptor.decode(descriptor.get());
      Fold fold =
          new Fold(opened, Objects.requireNonNull(memberships.get(opened.membershipVersion())));
      sessions.add(fold);
      observer.opened(opened);
      for (SessionEvent event : log(attempt).events()) {
        switch (fold.on(event)) {
          case ServerSession.Transition.Moved(var next) -> fold.moved(event, next);
          case ServerSession.Transition.Ignored(_, var reason) -> throw unfit(reason);
          case ServerSession.Transition.Refused(_, var reason) -> throw unfit(reason);
        }
      }
    }
    goOn();
    strike();
  }

  private static IllegalStateException unfit(String reason) {
    return new IllegalStateException("a stored event does not fit: " + reason);
  }

  private static Path folder(int attempt) {
    return SESSIONS.resolve(Integer.toString(attempt));
  }

  private EventLog log(int attempt) {
    return new EventLog(storage, folder(attempt).resolve("events"));
  }

  private Optional<byte[]> read(Path file) {
    try {
      return storage.read(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Fold current() {
    return sessions.getLast();
  }

  /// Whether a sum was released or every way to one is closed.
  boolean finished() {
    return !sessions.isEmpty() && current().state().state() == ServerSession.State.DONE;
  }

  /// U2 of a session that ends by votes alone and has not ended; otherwise nobody.
  SortedSet<SiteId> voters() {
    if (sessions.isEmpty()) {
      return Collections.emptySortedSet();
    }
    return switch (current().state().state()) {
      case COLLECTING, VOTING, RELEASING, UNMASKING, ABORTING -> current().shares();
      case ADVERTISING_KEYS, SHARING_KEYS, DONE, ABORTED -> Collections.emptySortedSet();
    };
  }

  /// Whether the survivors of the current session are certified and their sum is still to come.
  boolean certified() {
    return !sessions.isEmpty()
        && current().state().certificate().isPresent()
        && current().state().verdict().isEmpty();
  }

  /// The current one.
  Digest session() {
    return current().id();
  }

  /// T of the current session.
  int threshold() {
    return current().state().descriptor().quorum().threshold();
  }

  /// Waits for the deadline of the phase, or does what follows the end of a session.
  private void goOn() {
    if (sessions.isEmpty()) {
      open(Optional.empty());
      return;
    }
    ServerSession state = current().state();
    Optional<ServerSession.Verdict> verdict = state.verdict();
    if (verdict.isEmpty()) {
      state.deadline().ifPresent(this::await);
      return;
    }
    switch (verdict.get()) {
      case ServerSession.Verdict.Summed(var survivors) -> sum(survivors);
      case ServerSession.Verdict.Burned(var dealers, var reason) ->
          note("burns the session: %s, of %s".formatted(reason, dealers));
      case ServerSession.Verdict.Aborted(var reason) -> {
        note("ends %s: %s".formatted(current().id().abbreviated(), reason));
        open(
            Optional.of(
                state
                    .certificate()
                    .map(Certificate::digest)
                    .<SessionDescriptor.Previous>map(
                        digest -> new SessionDescriptor.Previous.Aborted(current().id(), digest))
                    .orElseGet(
                        () -> new SessionDescriptor.Previous.NoMaskedInput(current().id()))));
      }
    }
  }

  private void await(SignedMessage.Phase phase) {
    Digest session = current().id();
    after(
        LEAST_PHASE_MILLISECONDS + world().random().nextInt(MORE_PHASE_MILLISECONDS),
        () -> {
          if (current().id().equals(session)
              && current().state().deadline().equals(Optional.of(phase))) {
            happened(current(), new SessionEvent.PhaseDeadlinePassed(phase));
          }
        });
  }

  private void open(Optional<SessionDescriptor.Previous> previous) {
    int attempt = sessions.size() + 1;
    List<SiteId> roster = membership.members().stream().map(MembershipEpoch.Member::site).toList();
    Quorum quorum =
        new Quorum(roster.size(), federation.plan().nC(), SimulatedFederation.MIN_HONEST);
    if (attempt > MOST_ATTEMPTS
        || !quorum.reachable()
        || federation.rule().largest(roster.size(), quorum.nC()) < roster.size()) {
      note("opens no further session");
      return;
    }
    SessionDescriptor descriptor =
        descriptor(federation, membership, roster, attempt, seed, previous);
    try {
      storage.write(folder(attempt).resolve("descriptor"), descriptor.encode());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    sessions.add(new Fold(descriptor, membership));
    note(
        "opens session %s, attempt %d, of %d sites"
            .formatted(descriptor.id().abbreviated(), attempt, roster.size()));
    observer.opened(descriptor);
    goOn();
  }

  static SessionDescriptor descriptor(
      SimulatedFederation federation,
      MembershipEpoch membership,
      List<SiteId> roster,
      int attempt,
      long seed,
      Optional<SessionDescriptor.Previous> previous) {
    byte[] nonce = new byte[32];
    new SeededRandom(seed, "nonce " + attempt).nextBytes(nonce);
    var limits = new SessionDescriptor.Limits(Duration.ofSeconds(30), Duration.ofMinutes(5));
    return SessionDescriptor.of(
        federation.plan(),
        1,
        attempt,
        Digest.ofValue(nonce),
        previous,
        membership,
        roster,
        federation.rule(),
        limits,
        limits,
        limits);
  }

  @Override
  public void receive(Packet packet) {
    run(() -> {
      switch (packet) {
        case Packet.Hello(var site, var open) -> answer(site, open);
        case Packet.Said(var message, _) ->
            session(message.session())
                .ifPresent(fold -> happened(fold, new SessionEvent.MessageReceived(message)));
        case Packet.Uploaded(var session, var site, var vector) ->
            session(session).ifPresent(fold -> spool(fold, site, vector));
        case Packet.Shown _, Packet.Ended _ ->
            throw new IllegalArgumentException("a packet for a site");
      }
    });
  }

  private Optional<Fold> session(Digest id) {
    return sessions.stream().filter(fold -> fold.id().equals(id)).findFirst();
  }

  private void answer(SiteId site, List<Digest> open) {
    for (Digest named : open) {
      session(named)
          .filter(fold -> fold.state().verdict().isPresent())
          .ifPresent(fold -> {
            Optional<byte[]> certificate = fold.state().certificate().map(Certificate::encode);
            reply(site, new Packet.Ended(named, certificate));
          });
    }
    if (!sessions.isEmpty()) {
      current().viewFor(site).ifPresent(shown -> reply(site, shown));
    }
  }

  private void reply(SiteId site, Packet packet) {
    toSites.accept(site, packet);
  }

  private void spool(Fold fold, SiteId site, MaskedUpdate vector) {
    Digest root = vector.chunkRoot();
    if (fold.state().headerRoot(site).filter(root::equals).isPresent()) {
      try {
        vector.store(storage, spooled(fold, site));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      happened(fold, new SessionEvent.MaskedInputStored(site, root));
    }
  }

  private static Path spooled(Fold fold, SiteId site) {
    return SPOOL.resolve(fold.id().hex()).resolve(site.value());
  }

  private void happened(Fold fold, SessionEvent event) {
    switch (fold.on(event)) {
      case ServerSession.Transition.Moved(var next) -> {
        log(sessions.indexOf(fold) + 1).add(event);
        ServerSession.State before = fold.state().state();
        fold.moved(event, next);
        if (next.state() != before) {
          tally.count("a session reaches " + next.state());
          note("%s: %s to %s".formatted(fold.id().abbreviated(), before, next.state()));
          if (fold == current()) {
            goOn();
          }
        }
      }
      case ServerSession.Transition.Ignored _ -> {
        // Nothing changed.
      }
      case ServerSession.Transition.Refused(_, var reason) -> note("refuses: " + reason);
    }
  }

  /// The operator cancels the session.
  void cancel() {
    run(() -> {
      if (!sessions.isEmpty()) {
        happened(current(), new SessionEvent.Cancelled("the operator wants another one"));
      }
    });
  }

  @Override
  public void published(MembershipEpoch next) {
    memberships.put(next.version(), next);
    membership = next;
    run(this::strike);
  }

  /// Tells the current session of every seat that the newest membership lists no longer. Asked of
  /// the membership itself, at each start too: what was published while this process did not run,
  /// or just before it ended, must not be forgotten.
  private void strike() {
    if (!sessions.isEmpty()) {
      Fold fold = current();
      for (SessionDescriptor.Seat seat : fold.state().descriptor().roster()) {
        if (membership.keyOf(seat.site()).isEmpty()) {
          happened(fold, new SessionEvent.MemberRevoked(seat.site()));
        }
      }
    }
  }

  private void sum(List<SiteId> survivors) {
    try {
      if (!storage.exists(SUM)) {
        SumAccumulator sum = new SumAccumulator(federation.layout(), 1);
        for (SiteId site : survivors) {
          sum.add(MaskedUpdate.load(storage, spooled(current(), site)));
        }
        sum.remove(current().state().recovery());
        AggregateUpdate released = sum.decode(survivors.size());
        observer.summed(current().id(), survivors, released);
        tally.count("sums");
        storage.write(SUM, released.encode());
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    note("releases the sum of %s".formatted(survivors));
  }
}
