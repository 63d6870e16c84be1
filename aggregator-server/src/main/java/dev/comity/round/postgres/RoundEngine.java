package dev.comity.round.postgres;

import dev.comity.audit.JournalLine;
import dev.comity.audit.Signals;
import dev.comity.codec.Bytes;
import dev.comity.membership.MembershipEpoch;
import dev.comity.plan.Digest;
import dev.comity.plan.PlanCodec;
import dev.comity.plan.RunId;
import dev.comity.plan.RunKind;
import dev.comity.plan.SiteId;
import dev.comity.registry.ModelRegistry;
import dev.comity.round.FederationAuthority;
import dev.comity.round.Roll;
import dev.comity.round.RoundEvent;
import dev.comity.round.RoundState;
import dev.comity.round.RoundTransition;
import dev.comity.round.SitePhase;
import dev.comity.round.SiteStanding;
import dev.comity.run.RunState;
import dev.comity.session.GraphRule;
import dev.comity.session.ServerSession;
import dev.comity.session.SessionDescriptor;
import dev.comity.session.SessionDescriptor.Limits;
import dev.comity.session.SessionDescriptor.Previous;
import dev.comity.session.SessionEvent;
import dev.comity.transparency.AuditEntry;
import dev.comity.update.RejectedSum;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;
import org.springframework.dao.DataAccessException;
import org.springframework.stereotype.Component;

/// Performs what the durable state of every open run still owes: the next round, a session, the end
/// of a phase whose deadline passed, the sum, the commit. One virtual thread a run, woken by
/// signals and deadlines. It keeps nothing of its own: after a crash it reads the same state again
/// and goes on.
@Component
final class RoundEngine implements SmartLifecycle {

  private static final Logger LOG = LoggerFactory.getLogger(RoundEngine.class);

  /// A ready site whose connection broke is waited for this long before a session opens without it.
  private static final Duration GRACE = Duration.ofSeconds(30);

  private static final Duration EXCHANGE_SILENCE = Duration.ofMinutes(1);
  private static final Duration EXCHANGE_HARD = Duration.ofMinutes(10);
  private static final Duration UPLOAD_SILENCE = Duration.ofMinutes(2);
  private static final Duration AFTER_FAILURE = Duration.ofSeconds(5);
  private static final Duration STOPPING = Duration.ofSeconds(5);
  private static final Duration LONG = Duration.ofDays(1);
  private static final Duration MEMBERSHIP_WARNING = Duration.ofDays(14);

  private static final Set<SitePhase> HEARD =
      EnumSet.of(SitePhase.INVITED, SitePhase.TRAINING, SitePhase.PAUSED, SitePhase.READY);

  private final RunTransactions transactions;
  private final RoundStore store;
  private final Presence presence;
  private final Summation summation;
  private final Spool spool;
  private final Sessions sessions;
  private final ModelRegistry registry;
  private final FederationAuthority federation;
  private final Signals signals;
  private final Clock clock;
  private final SecureRandom random = new SecureRandom();

  /// What the journal says that a run waits for; a new process says it again.
  private final Map<RunId, String> waiting = new ConcurrentHashMap<>();

  private final Map<RunId, Thread> reconcilers = new HashMap<>();
  private @Nullable Thread supervisor;
  private volatile boolean running;

  RoundEngine(
      RunTransactions transactions,
      RoundStore store,
      Presence presence,
      Summation summation,
      Spool spool,
      Sessions sessions,
      ModelRegistry registry,
      FederationAuthority federation,
      Signals signals,
      Clock clock) {
    this.transactions = transactions;
    this.store = store;
    this.presence = presence;
    this.summation = summation;
    this.spool = spool;
    this.sessions = sessions;
    this.registry = registry;
    this.federation = federation;
    this.signals = signals;
    this.clock = clock;
  }

  /// What a run waits for or owes, as one transaction has found it.
  private sealed interface Next {
    /// Something was done; look again.
    record Again() implements Next {}

    /// Nothing is owed before `until`.
    record Wait(Instant until) implements Next {}

    /// A certified session is unmasked: compute its sum outside the transaction.
    record Sum(RoundRow round, SessionRow session, ServerSession state) implements Next {}

    /// The run has ended and so have its sessions.
    record Over() implements Next {}
  }

  @Override
  public void start() {
    running = true;
    supervisor = Thread.ofVirtual().name("engine").start(this::supervise);
  }

  @Override
  public void stop() {
    running = false;
    var threads = new ArrayList<Thread>();
    synchronized (reconcilers) {
      threads.addAll(reconcilers.values());
    }
    var first = supervisor;
    if (first != null) {
      threads.add(first);
    }
    try {
      signals.signal(Signals.membership()); // wakes whoever waits
    } catch (DataAccessException gone) {
      LOG.atDebug().setCause(gone).log("the database is gone; those who wait are interrupted");
      threads.forEach(Thread::interrupt);
    }
    try {
      for (var thread : threads) {
        if (!thread.join(STOPPING)) {
          thread.interrupt();
        }
      }
    } catch (InterruptedException _) {
      threads.forEach(Thread::interrupt);
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public boolean isRunning() {
    return running;
  }

  /// Vectors of sessions that ended while nobody looked, say by a cancel or a crash.
  private void sweep() {
    try {
      for (var session : spool.sessions()) {
        if (!store.session(session).map(this::needsVectors).orElse(false)) {
          spool.drop(session);
        }
      }
    } catch (IOException | RuntimeException failed) {
      LOG.atWarn().setCause(failed).log("the spool cannot be swept");
    }
  }

  private boolean needsVectors(SessionRow session) {
    return session.live()
        || (session.state() == ServerSession.State.DONE && store.round(session.round()).live());
  }

  private void supervise() {
    sweep();
    while (running) {
      var ticket = signals.ticket(Signals.runs());
      try {
        eraseFormerKeys();
        for (var run : store.openRuns()) {
          synchronized (reconcilers) {
            reconcilers.computeIfAbsent(
                run, _ -> Thread.ofVirtual().name("run-" + run).start(() -> reconcile(run)));
          }
        }
        signals.await(Signals.runs(), ticket, LONG);
      } catch (InterruptedException _) {
        return;
      } catch (RuntimeException | Error failed) {
        if (!pauseAfter(failed, "the list of open runs cannot be read", null)) {
          return;
        }
      }
    }
  }

  private void reconcile(RunId run) {
    var topic = Signals.run(run.toString());
    try {
      while (running) {
        var ticket = signals.ticket(topic);
        try {
          switch (step(run)) {
            case Next.Again() -> {}
            case Next.Over() -> {
              eraseFormerKeys();
              return;
            }
            case Next.Sum(var round, var session, var state) -> sum(round, session, state);
            case Next.Wait(var until) -> {
              eraseFormerKeys();
              signals.await(topic, ticket, Duration.between(clock.instant(), until));
            }
          }
        } catch (RuntimeException | Error failed) { // a run without its thread would stand still
          if (!pauseAfter(failed, "a step of the run failed and will be repeated", run)) {
            return;
          }
        }
      }
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    } finally {
      synchronized (reconcilers) {
        reconcilers.remove(run);
      }
    }
  }

  /// A message key that was replaced is needed until the last session under its membership ends.
  private void eraseFormerKeys() {
    if (federation.holdsFormerKeys()) {
      federation.eraseFormerKeys(store.membershipsOfLiveSessions());
    }
  }

  /// False when the engine stops.
  private boolean pauseAfter(Throwable failed, String message, @Nullable RunId run) {
    if (!running) {
      return false;
    }
    var log = LOG.atError().setCause(failed);
    (run == null ? log : log.addKeyValue("run", run)).log(message);
    var topic = Signals.runs();
    try {
      signals.await(topic, signals.ticket(topic), AFTER_FAILURE);
      return running;
    } catch (InterruptedException _) {
      return false;
    }
  }

  private Next step(RunId run) {
    return transactions.in(run, this::step).orElse(new Next.Over());
  }

  private Next step(RunTransaction work) {
    var run = work.run();
    var live = store.liveRound(run.id());
    if (!run.running() && live.isPresent()) {
      var reason =
          switch (run.state()) {
            case RunState.Cancelled(var account) -> "the run was cancelled by " + account;
            case RunState.Abandoned(var why) -> why;
            case RunState.Completed _, RunState.Running _ -> "the run ended";
          };
      work.apply(live.get(), new RoundEvent.RunEnded(reason));
      return new Next.Again();
    }
    if (revoked(work) || deadlinesPassed(work)) {
      return new Next.Again();
    }
    if (!run.running()) {
      return store.liveSessions(run.id()).isEmpty()
          ? new Next.Over()
          : new Next.Wait(nextDeadline(work, null));
    }
    if (live.isEmpty()) {
      if (inForce(work, null).isEmpty()) {
        return new Next.Wait(nextDeadline(work, null));
      }
      open(work);
      return new Next.Again();
    }
    return strike(work, live.get()) ? new Next.Again() : advance(work, live.get());
  }

  /// The membership epoch in force; when there is none, the journal says once what to do.
  private Optional<MembershipEpoch> inForce(RunTransaction work, @Nullable RoundRow round) {
    var newest = newestMembership();
    var inForce = newest.filter(epoch -> !epoch.expired(work.now()));
    if (inForce.isEmpty()) {
      var sentence =
          newest
              .map(epoch ->
                  "Membership version %d expired at %s; the run waits until the consortium signs the next one."
                      .formatted(epoch.version(), epoch.expiresAt()))
              .orElse("The run waits for a membership that the consortium signed.");
      if (!sentence.equals(waiting.put(work.run().id(), sentence))) {
        LOG.atWarn()
            .addKeyValue("run", work.run().id())
            .addKeyValue("reason", sentence)
            .log("no membership epoch is in force");
        work.journal(
            round == null
                ? JournalLine.run(work.run().id(), "membership.expired", sentence)
                : JournalLine.round(work.run().id(), round.id(), "membership.expired", sentence));
      }
    } else {
      waiting.remove(work.run().id());
    }
    return inForce;
  }

  private Optional<MembershipEpoch> newestMembership() {
    return federation.membership().flatMap(signed -> federation.membership(signed.digest()));
  }

  /// Takes the sites that the consortium revoked or that are suspended out of a round, so that it
  /// does not wait for them. One in a running session follows when the session has ended.
  private boolean strike(RunTransaction work, RoundRow round) {
    var newest = newestMembership();
    if (newest.isEmpty()) {
      return false;
    }
    var epoch = newest.get();
    var suspended = store.suspended();
    for (var site : store.state(round).roll().sites().keySet()) {
      var reason =
          epoch.keyOf(site).isEmpty()
              ? Optional.of(strikeReason(epoch, site))
              : Optional.ofNullable(suspended.get(site));
      if (reason.isPresent()
          && work.apply(round, new RoundEvent.SiteRefused(site, reason.get()))
              instanceof RoundTransition.Moved) {
        return true;
      }
    }
    return false;
  }

  private static String strikeReason(MembershipEpoch epoch, SiteId site) {
    return epoch.revocations().stream()
        .filter(revocation -> revocation.site().equals(Optional.of(site)))
        .max(Comparator.comparing(MembershipEpoch.Revocation::at))
        .map(revocation ->
            "revoked by the consortium at %s: %s".formatted(revocation.at(), revocation.reason()))
        .orElse("no member of the federation any more");
  }

  private boolean revoked(RunTransaction work) {
    var moved = false;
    for (var session : store.liveSessions(work.run().id())) {
      for (var site : work.revoked(session)) {
        var transition = work.apply(session, new SessionEvent.MemberRevoked(site));
        moved |= transition instanceof ServerSession.Transition.Moved;
      }
    }
    return moved;
  }

  private boolean deadlinesPassed(RunTransaction work) {
    for (var session : store.liveSessions(work.run().id())) {
      var deadline = liveDeadline(work, session);
      var phase = work.session(session).session().deadline();
      if (deadline != null && phase.isPresent() && !work.now().isBefore(deadline)) {
        var transition = work.apply(session, new SessionEvent.PhaseDeadlinePassed(phase.get()));
        if (transition instanceof ServerSession.Transition.Moved) {
          return true;
        }
        store.sessionDeadline(session.id(), null, null);
      }
    }
    return false;
  }

  /// When a session's phase ends. While this process did not run nobody could be heard, so silence
  /// counts from its start at the earliest.
  private @Nullable Instant liveDeadline(RunTransaction work, SessionRow session) {
    var limits = RunTransaction.limits(work.session(session).session());
    return limits.isEmpty()
        ? session.deadline()
        : sinceStart(session.deadline(), limits.get().silence(), session.hardDeadline());
  }

  /// As the other, of a round's silence limit.
  private @Nullable Instant liveDeadline(RoundRow round) {
    return sinceStart(round.silenceDeadline(), round.plan().silenceLimit(), round.hardDeadline());
  }

  private @Nullable Instant sinceStart(
      @Nullable Instant deadline, Duration silence, @Nullable Instant hard) {
    if (deadline == null || hard == null) {
      return deadline;
    }
    var heard = earlier(presence.began().plus(silence), hard);
    return heard.isAfter(deadline) ? heard : deadline;
  }

  private void open(RunTransaction work) {
    var run = work.run();
    var base =
        registry
            .find(run.modelVersion())
            .orElseThrow(() ->
                new IllegalStateException(
                    "model version " + run.modelVersion().abbreviated() + " is not stored"));
    var trained = run.state() instanceof RunState.Running state && state.trained();
    var kind = trained ? RunKind.EVALUATE : run.template().terms().kind();
    var plan =
        Plans.next(
            run.template(), store.roundsOpened(run.id()) + 1, kind, base.digest(), base.version());
    var doubtful = new HashSet<>(store.sitesInDoubt(run.id()));
    var sites = new TreeMap<SiteId, SiteStanding>();
    for (var site : plan.cohort()) {
      sites.put(site, doubtful.contains(site) ? SiteStanding.inDoubt() : SiteStanding.invited());
    }
    var state = new RoundState.Recruiting(new Roll(plan.minReady(), sites));
    var id = store.insertRound(plan, Bytes.of(PlanCodec.encode(plan)), state, work.now());
    work.journal(
        JournalLine.round(
                run.id(),
                id,
                "round.opened",
                "Round "
                    + plan.round()
                    + (trained ? " evaluates the final model" : " begins")
                    + " with "
                    + plan.cohort().size()
                    + " sites invited.")
            .moved(null, "RECRUITING"));
    newestMembership()
        .filter(epoch -> epoch.expired(work.now().plus(MEMBERSHIP_WARNING)))
        .ifPresent(epoch ->
            work.journal(
                JournalLine.round(
                    run.id(),
                    id,
                    "membership.expires",
                    "Membership version %d expires at %s; have the consortium sign the next one before."
                        .formatted(epoch.version(), epoch.expiresAt()))));
    for (var site : store.notActive(plan.cohort())) {
      work.apply(
          store.round(id),
          new RoundEvent.SiteRefused(site, "no active member of the federation any more"));
    }
    for (var site : plan.cohort()) {
      signals.signal(Signals.site(site.value()));
    }
  }

  private Next advance(RunTransaction work, RoundRow round) {
    for (var entry : store.state(round).roll().sites().entrySet()) {
      if (HEARD.contains(entry.getValue().phase())
          && !work.now().isBefore(lostAt(round, entry.getKey()))) {
        work.apply(round, new RoundEvent.SiteSilent(entry.getKey()));
        return new Next.Again();
      }
    }
    if (!work.now().isBefore(round.hardDeadline())) {
      var before = round.phase();
      work.apply(round, new RoundEvent.HardLimitPassed());
      if (!store.round(round.id()).phase().equals(before)) {
        return new Next.Again();
      }
    }
    var silence = liveDeadline(round);
    if (silence != null && !work.now().isBefore(silence)) {
      work.apply(round, new RoundEvent.SilenceLimitPassed());
      if (store.round(round.id()).phase().equals(round.phase())) {
        store.silenceDeadline(round.id(), null);
      }
      return new Next.Again();
    }
    if (!(store.state(round) instanceof RoundState.Aggregating aggregating)) {
      return new Next.Wait(nextDeadline(work, round));
    }
    return switch (aggregating.stage()) {
      case NONE -> openSession(work, round, aggregating.roll());
      case OPEN, EXPOSED -> new Next.Wait(nextDeadline(work, round));
      case CERTIFIED -> {
        var session = store.latestSession(round.id()).orElseThrow();
        yield session.state() == ServerSession.State.DONE
            ? new Next.Sum(round, session, work.session(session).session())
            : new Next.Wait(nextDeadline(work, round));
      }
    };
  }

  private Instant lostAt(RoundRow round, SiteId site) {
    return presence.lastHeard(site).plus(round.plan().silenceLimit());
  }

  private Next openSession(RunTransaction work, RoundRow round, Roll roll) {
    var grace =
        round.plan().silenceLimit().compareTo(GRACE) < 0 ? round.plan().silenceLimit() : GRACE;
    var roster = new ArrayList<SiteId>();
    var until = nextDeadline(work, round);
    var awaited = false;
    for (var site : roll.in(SitePhase.READY)) {
      if (presence.present(site)) {
        roster.add(site);
      } else {
        var gone = presence.lastHeard(site).plus(grace);
        if (work.now().isBefore(gone)) {
          awaited = true;
          until = earlier(until, gone);
        }
      }
    }
    if (awaited || roster.size() < roll.minReady()) {
      return new Next.Wait(until);
    }
    var membership = inForce(work, round);
    if (membership.isEmpty()) {
      return new Next.Wait(until);
    }
    var epoch = membership.get();
    var suspended = store.suspended().keySet();
    roster.removeIf(site -> epoch.keyOf(site).isEmpty() || suspended.contains(site));
    int most = GraphRule.STANDARD.largest(roster.size(), round.plan().nC());
    roster.subList(most, roster.size()).clear(); // no graph withstands nC among so many
    if (roster.size() < roll.minReady()) {
      return new Next.Wait(until);
    }
    var plan = round.plan();
    var nonce = new byte[Digest.SIZE];
    random.nextBytes(nonce);
    var exchange =
        new Limits(
            earlier(plan.silenceLimit(), EXCHANGE_SILENCE),
            earlier(plan.hardLimit(), EXCHANGE_HARD));
    var upload = new Limits(earlier(plan.silenceLimit(), UPLOAD_SILENCE), plan.hardLimit());
    var attempt = store.latestSession(round.id()).map(SessionRow::attempt).orElse(0) + 1;
    var descriptor =
        SessionDescriptor.of(
            plan,
            federation.epoch(),
            attempt,
            Digest.ofValue(nonce),
            previous(work, round),
            epoch,
            roster,
            exchange,
            exchange,
            upload);
    var session = ServerSession.open(descriptor, epoch);
    var view =
        session
            .viewFor(
                roster.getFirst(),
                federation
                    .messageKey(epoch.digest())
                    .orElseThrow(() ->
                        new IllegalStateException(
                            "the message key of membership version %d is gone"
                                .formatted(epoch.version()))))
            .orElseThrow(() -> new IllegalStateException("a new session shows no descriptor"));
    work.apply(round, new RoundEvent.SessionOpened(new HashSet<>(roster)));
    store.insertSession(
        round.id(),
        descriptor,
        view,
        work.now(),
        work.now().plus(exchange.silence()),
        work.now().plus(exchange.hard()));
    work.journal(
        JournalLine.session(
                work.run().id(),
                round.id(),
                descriptor.id(),
                "session.opened",
                "Session " + attempt + " opens over " + roster.size() + " ready sites.")
            .moved(null, "ADVERTISING_KEYS"));
    for (var site : roster) {
      signals.signal(Signals.site(site.value()));
    }
    return new Next.Again();
  }

  private Optional<Previous> previous(RunTransaction work, RoundRow round) {
    return store
        .lastSessionOver(work.run().id(), round.plan().terms().digest())
        .filter(session -> session.state() == ServerSession.State.ABORTED)
        .map(session ->
            session.certificate() == null
                ? new Previous.NoMaskedInput(session.id())
                : new Previous.Aborted(session.id(), session.certificate()));
  }

  private void sum(RoundRow round, SessionRow row, ServerSession session) {
    switch (session.verdict().orElseThrow()) {
      case ServerSession.Verdict.Summed(var survivors) -> {
        try {
          var result =
              summation.sum(
                  round,
                  row,
                  session,
                  survivors,
                  store.committedBefore(round.run(), round.number()));
          commit(round, row, result);
        } catch (RejectedSum rejected) {
          reject(round, rejected.reason().explanation());
        } catch (IOException failed) {
          throw new UncheckedIOException(
              "the spooled vectors of session " + row.id().abbreviated() + " cannot be read",
              failed);
        }
      }
      case ServerSession.Verdict.Burned(var dealers, var reason) ->
          reject(
              round,
              dealers.isEmpty()
                  ? reason
                  : "%s; suspended as the dealers at fault: %s"
                      .formatted(
                          reason,
                          dealers.stream().map(SiteId::value).collect(Collectors.joining(", "))));
      case ServerSession.Verdict.Aborted(var reason) -> reject(round, reason);
    }
    spool.drop(row.id());
    sessions.forget(row.id());
  }

  private void commit(RoundRow round, SessionRow session, Summation.Result result) {
    transactions.in(
        round.run(),
        work -> {
          var current = store.round(round.id());
          if (!current.live()) {
            return false;
          }
          var version = result.version();
          if (version != null) {
            registry.publish(version.digest(), version.document().toByteArray());
            store.newestModel(round.run(), version.digest());
            work.journal(
                JournalLine.model(
                    round.run(),
                    round.id(),
                    "model.published",
                    "Version " + version.number() + " of the model is published."));
          }
          store.result(round.id(), result);
          work.audit(
              new AuditEntry.Round(
                  round.run(),
                  round.number(),
                  round.planDigest(),
                  result.sum(),
                  result.transcript(),
                  Optional.ofNullable(version).map(Summation.NewVersion::digest)));
          work.apply(current, new RoundEvent.SumCommitted());
          LOG.atInfo()
              .addKeyValue("run", round.run())
              .addKeyValue("round", round.number())
              .addKeyValue("session", session.id().abbreviated())
              .log("round committed");
          return true;
        });
  }

  private void reject(RoundRow round, String reason) {
    LOG.atWarn()
        .addKeyValue("run", round.run())
        .addKeyValue("round", round.number())
        .addKeyValue("reason", reason)
        .log("sum rejected");
    transactions.in(
        round.run(),
        work -> {
          var current = store.round(round.id());
          return current.live()
              && work.apply(current, new RoundEvent.SumRejected(reason))
                  instanceof RoundTransition.Moved;
        });
  }

  /// When something may be owed next without anybody's word.
  private Instant nextDeadline(RunTransaction work, @Nullable RoundRow round) {
    var next = work.now().plus(LONG);
    for (var session : store.liveSessions(work.run().id())) {
      var deadline = liveDeadline(work, session);
      if (deadline != null) {
        next = earlier(next, deadline);
      }
    }
    if (round == null) {
      return next;
    }
    if (work.now().isBefore(round.hardDeadline())) {
      next = earlier(next, round.hardDeadline());
    }
    var silence = liveDeadline(round);
    if (silence != null) {
      next = earlier(next, silence);
    }
    for (var entry : store.state(round).roll().sites().entrySet()) {
      if (HEARD.contains(entry.getValue().phase())) {
        next = earlier(next, lostAt(round, entry.getKey()));
      }
    }
    return next;
  }

  private static Instant earlier(Instant one, Instant other) {
    return one.isBefore(other) ? one : other;
  }

  private static Duration earlier(Duration one, Duration other) {
    return one.compareTo(other) < 0 ? one : other;
  }
}
