package dev.comity.round.postgres;

import dev.comity.audit.AuditLog;
import dev.comity.audit.Journal;
import dev.comity.audit.JournalLine;
import dev.comity.audit.Signals;
import dev.comity.plan.Digest;
import dev.comity.plan.RunKind;
import dev.comity.plan.SiteId;
import dev.comity.registry.ArtifactStore;
import dev.comity.round.FederationAuthority;
import dev.comity.round.RoundEvent;
import dev.comity.round.RoundState;
import dev.comity.round.RoundTransition;
import dev.comity.round.SitePhase;
import dev.comity.round.SiteStanding;
import dev.comity.run.RunEvent;
import dev.comity.run.RunState;
import dev.comity.run.RunTransition;
import dev.comity.session.Certificate;
import dev.comity.session.ServerSession;
import dev.comity.session.SessionDescriptor.Limits;
import dev.comity.session.SessionEvent;
import dev.comity.session.SignedMessage;
import dev.comity.transparency.AuditEntry;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Everything that one transaction does to one run, whose row it holds locked: each event goes
/// through the pure state, and state and journal are written together. Owned by the thread of the
/// transaction.
final class RunTransaction {

  private final RoundStore store;
  private final Sessions sessions;
  private final Journal journal;
  private final AuditLog audit;
  private final ArtifactStore artifacts;
  private final Signals signals;
  private final FederationAuthority federation;
  private final Instant now;
  private final Map<Digest, Sessions.Folded> folded = new HashMap<>();
  private RunRow run;

  RunTransaction(
      RunRow run,
      RoundStore store,
      Sessions sessions,
      Journal journal,
      AuditLog audit,
      ArtifactStore artifacts,
      Signals signals,
      FederationAuthority federation,
      Instant now) {
    this.run = run;
    this.store = store;
    this.sessions = sessions;
    this.journal = journal;
    this.audit = audit;
    this.artifacts = artifacts;
    this.signals = signals;
    this.federation = federation;
    this.now = now;
  }

  RunRow run() {
    return run;
  }

  Instant now() {
    return now;
  }

  /// To be called once the transaction has committed.
  void committed() {
    folded.forEach(sessions::remember);
  }

  /// Sessions that this transaction has ended without a sum.
  List<Digest> aborted() {
    return folded.entrySet().stream()
        .filter(entry -> entry.getValue().session().state() == ServerSession.State.ABORTED)
        .map(Map.Entry::getKey)
        .toList();
  }

  /// The session as this transaction has left it so far.
  Sessions.Folded session(SessionRow row) {
    var known = folded.get(row.id());
    return known == null ? sessions.load(row) : known;
  }

  void journal(JournalLine line) {
    journal.append(line);
  }

  void audit(AuditEntry entry) {
    audit.append(entry);
  }

  RunTransition apply(RunEvent event) {
    var transition = run.state().on(event);
    if (transition instanceof RunTransition.Moved(var state)) {
      store.updateRun(run.id(), state, now);
      run = new RunRow(run.id(), run.name(), state, run.template(), run.modelVersion());
      var sentence =
          switch (state) {
            case RunState.Running _ -> null;
            case RunState.Completed() -> "The run is completed.";
            case RunState.Abandoned(var reason) -> "The run is abandoned: " + reason + ".";
            case RunState.Cancelled(var account) -> "The run was cancelled by " + account + ".";
          };
      if (sentence != null) {
        journal.append(
            JournalLine.run(run.id(), "run.ended", sentence).moved("RUNNING", name(state)));
        signals.signal(Signals.runs());
      }
      outcome(state)
          .ifPresent(outcome ->
              audit.append(new AuditEntry.Run(run.id(), outcome, store.newestModel(run.id()))));
    }
    return transition;
  }

  private static Optional<AuditEntry.RunOutcome> outcome(RunState state) {
    return switch (state) {
      case RunState.Running _ -> Optional.empty();
      case RunState.Completed _ -> Optional.of(AuditEntry.RunOutcome.COMPLETED);
      case RunState.Abandoned _ -> Optional.of(AuditEntry.RunOutcome.ABANDONED);
      case RunState.Cancelled _ -> Optional.of(AuditEntry.RunOutcome.CANCELLED);
    };
  }

  RoundTransition apply(RoundRow round, RoundEvent event) {
    var before = store.state(round);
    var transition = before.on(event);
    if (transition instanceof RoundTransition.Moved(var after)) {
      write(round, before, after);
    }
    return transition;
  }

  private void write(RoundRow round, RoundState before, RoundState after) {
    for (var entry : after.roll().sites().entrySet()) {
      var site = entry.getKey();
      var was = before.roll().of(site);
      if (!was.equals(entry.getValue())) {
        store.updateSite(round.id(), site, entry.getValue(), now);
        journal.append(
            JournalLine.site(
                    run.id(),
                    round.id(),
                    site,
                    was.phase() == entry.getValue().phase() ? "site.progressed" : "site.moved",
                    sentence(site, entry.getValue()))
                .moved(was.phase().name(), entry.getValue().phase().name()));
      }
    }
    var from = RoundStore.phase(before);
    var to = RoundStore.phase(after);
    if (!from.equals(to)) {
      store.updatePhase(round.id(), after, now);
      journal.append(
          JournalLine.round(run.id(), round.id(), "round.moved", sentence(round, after))
              .moved(from, to));
    }
    switch (after) {
      case RoundState.Training _ -> {
        var deadline = now.plus(round.plan().silenceLimit());
        store.silenceDeadline(
            round.id(), deadline.isBefore(round.hardDeadline()) ? deadline : round.hardDeadline());
      }
      case RoundState.Recruiting _, RoundState.Aggregating _ -> {
        if (!from.equals(to)) {
          store.silenceDeadline(round.id(), null);
        }
      }
      case RoundState.Committed _ -> ended(round, after, from.equals(to));
      case RoundState.Abandoned _ -> ended(round, after, from.equals(to));
    }
  }

  private void ended(RoundRow round, RoundState after, boolean before) {
    if (before) {
      return;
    }
    store.silenceDeadline(round.id(), null);
    for (var site : after.roll().sites().keySet()) {
      signals.signal(Signals.site(site.value()));
    }
    if (after instanceof RoundState.Abandoned(_, var reason)) {
      store
          .latestSession(round.id())
          .filter(SessionRow::live)
          .ifPresent(session -> apply(session, new SessionEvent.Cancelled(reason)));
      apply(new RunEvent.RoundAbandoned(reason));
    } else {
      apply(
          round.plan().terms().kind() == RunKind.TRAIN
              ? new RunEvent.TrainingCommitted()
              : new RunEvent.EvaluationCommitted());
      if (run.template().terms().noise().isPrivate()
          && run.state() instanceof RunState.Running running
          && running.trained()) {
        apply(new RunEvent.EvaluationWaived());
      }
    }
  }

  ServerSession.Transition apply(SessionRow row, SessionEvent event) {
    var before = session(row);
    var transition = before.session().on(event);
    if (transition instanceof ServerSession.Transition.Moved(var next)) {
      store.append(row.id(), before.events() + 1, event, now);
      folded.put(row.id(), new Sessions.Folded(before.events() + 1, next));
      write(row, event, before.session(), next);
    }
    return transition;
  }

  private void write(
      SessionRow row, SessionEvent event, ServerSession before, ServerSession after) {
    switch (event) {
      case SessionEvent.MessageReceived(var message) ->
          store.answered(row.id(), message.sender(), message.phase(), now);
      case SessionEvent.MaskedInputStored(var site, _) ->
          store.answered(row.id(), site, SignedMessage.Phase.MASKED_INPUT, now);
      case SessionEvent.PhaseDeadlinePassed _,
          SessionEvent.Cancelled _,
          SessionEvent.MemberRevoked _ -> {}
    }
    if (before.state() == after.state()) {
      extend(row, after);
      return;
    }
    var reason = after.verdict().map(RunTransaction::reason).orElse(null);
    tellRound(row, after, reason); // whose stage follows from the session's row as it was
    store.updateSession(row.id(), after.state(), reason, after.certificate().orElse(null), now);
    begin(row, after);
    after.verdict().ifPresent(verdict -> ended(row, after, verdict));
    for (var seat : row.descriptor().roster()) {
      signals.signal(Signals.site(seat.site().value()));
    }
    journal.append(
        JournalLine.session(
                run.id(), row.round(), row.id(), "session.moved", sentence(row, after, reason))
            .moved(before.state().name(), after.state().name()));
    if (after.state() == ServerSession.State.ABORTED) {
      resolve(row);
    }
  }

  /// The transcript outlives the session: it is stored before the leaf that names it.
  private void ended(SessionRow row, ServerSession after, ServerSession.Verdict verdict) {
    var outcome =
        switch (verdict) {
          case ServerSession.Verdict.Summed _ -> AuditEntry.SessionOutcome.SUMMED;
          case ServerSession.Verdict.Burned _ -> AuditEntry.SessionOutcome.BURNED;
          case ServerSession.Verdict.Aborted _ -> AuditEntry.SessionOutcome.ABORTED;
        };
    audit.append(
        new AuditEntry.Session(
            row.id(),
            run.id(),
            row.descriptor().plan(),
            outcome,
            artifacts.put(after.transcript()),
            after.certificate().map(Certificate::digest)));
    if (verdict instanceof ServerSession.Verdict.Burned(var dealers, var why)) {
      dealers.forEach(dealer -> suspend(row, dealer, why));
    }
  }

  /// Every later session would burn as well, so the dealer is left out until people have looked.
  private void suspend(SessionRow row, SiteId dealer, String why) {
    var reason =
        "suspended since session %s: the shares that it dealt give no secret of it (%s)"
            .formatted(row.id().abbreviated(), why);
    store.suspend(dealer, row.id(), reason, now);
    journal.append(
        JournalLine.site(
            run.id(),
            row.round(),
            dealer,
            "site.suspended",
            "%s is %s. It is in no roster until an administrator lifts that with POST /api/v1/sites/%s/reinstatement, or for good once the consortium revokes it."
                .formatted(dealer, reason, dealer)));
    signals.signal(Signals.membership()); // other runs leave it out as well
  }

  private static @Nullable String reason(ServerSession.Verdict verdict) {
    return switch (verdict) {
      case ServerSession.Verdict.Summed _ -> null;
      case ServerSession.Verdict.Burned(_, var reason) -> reason;
      case ServerSession.Verdict.Aborted(var reason) -> reason;
    };
  }

  private void tellRound(SessionRow row, ServerSession after, @Nullable String reason) {
    var round = store.round(row.round());
    switch (after.state()) {
      case COLLECTING -> apply(round, new RoundEvent.SessionExposed());
      case RELEASING, UNMASKING ->
          apply(round, new RoundEvent.SessionCertified(new HashSet<>(after.survivors())));
      case ABORTED ->
          apply(
              round,
              new RoundEvent.SessionAborted(reason == null ? "the session was aborted" : reason));
      case ADVERTISING_KEYS, SHARING_KEYS, VOTING, ABORTING, DONE -> {}
    }
  }

  /// Sites that an earlier round's session kept in doubt are invited to the present round.
  private void resolve(SessionRow ended) {
    var live = store.liveRound(run.id()).filter(round -> round.id() != ended.round());
    if (live.isEmpty()) {
      return;
    }
    var doubtful = new HashSet<>(store.sitesInDoubt(run.id()));
    for (var seat : ended.descriptor().roster()) {
      if (!doubtful.contains(seat.site()) && live.get().plan().cohort().contains(seat.site())) {
        apply(live.get(), new RoundEvent.DoubtResolved(seat.site()));
        signals.signal(Signals.site(seat.site().value()));
      }
    }
  }

  /// Deadlines of the phase that begins.
  private void begin(SessionRow row, ServerSession after) {
    var limits = limits(after);
    if (limits.isEmpty()) {
      store.sessionDeadline(row.id(), null, null);
    } else {
      store.sessionDeadline(
          row.id(), now.plus(limits.get().silence()), now.plus(limits.get().hard()));
    }
  }

  /// A message counts as progress: the live deadline moves, never beyond the hard one.
  private void extend(SessionRow row, ServerSession after) {
    var limits = limits(after);
    var hard = row.hardDeadline();
    if (limits.isPresent() && hard != null) {
      var deadline = now.plus(limits.get().silence());
      store.sessionDeadline(row.id(), deadline.isBefore(hard) ? deadline : hard, hard);
    }
  }

  static Optional<Limits> limits(ServerSession session) {
    var descriptor = session.descriptor();
    return session
        .deadline()
        .flatMap(phase ->
            switch (phase) {
              case ADVERTISE_KEYS -> Optional.of(descriptor.advertising());
              case SHARE_KEYS -> Optional.of(descriptor.sharing());
              case MASKED_INPUT -> Optional.of(descriptor.collecting());
              case VOTE, RELEASE, UNMASK -> Optional.empty();
            });
  }

  /// Sites that the roster names and the newest membership does not, with the key that they had.
  List<SiteId> revoked(SessionRow row) {
    var current = federation.membership().flatMap(signed -> federation.membership(signed.digest()));
    if (current.isEmpty()) {
      return List.of();
    }
    return row.descriptor().roster().stream()
        .filter(seat ->
            current
                .get()
                .keyOf(seat.site())
                .filter(key -> key.fingerprint().equals(seat.key()))
                .isEmpty())
        .map(seat -> seat.site())
        .toList();
  }

  private static String name(RunState state) {
    return switch (state) {
      case RunState.Running _ -> "RUNNING";
      case RunState.Completed _ -> "COMPLETED";
      case RunState.Abandoned _ -> "ABANDONED";
      case RunState.Cancelled _ -> "CANCELLED";
    };
  }

  private static String sentence(SiteId site, SiteStanding standing) {
    var because = standing.reason() == null ? "" : ": " + standing.reason();
    return switch (standing.phase()) {
      case INVITED -> site + " is invited.";
      case REFUSED -> site + " refused" + because + ".";
      case TRAINING -> site + " trains, " + standing.tenths() + " tenths done.";
      case PAUSED -> site + " paused" + because + ".";
      case READY -> site + (standing.partial() ? " is ready with part of the work." : " is ready.");
      case IN_SESSION -> site + " is in the session.";
      case SUMMED -> site + " is in the sum" + because + ".";
      case DROPPED -> site + " dropped out of the session" + because + ".";
      case IN_DOUBT -> site + " is in doubt until the session's end is proven.";
      case LATE -> site + " is late; its update is not used.";
      case UNUSED -> site + " keeps its update for the next round.";
      case LOST -> site + " is silent.";
    };
  }

  private static String sentence(RoundRow round, RoundState state) {
    return "Round "
        + round.number()
        + switch (state) {
          case RoundState.Recruiting _ -> " recruits sites.";
          case RoundState.Training _ -> " trains.";
          case RoundState.Aggregating _ -> " sums the updates of the ready sites.";
          case RoundState.Committed(var roll) ->
              " is committed with " + roll.in(SitePhase.SUMMED).size() + " sites in the sum.";
          case RoundState.Abandoned(_, var reason) -> " is abandoned: " + reason + ".";
        };
  }

  private static String sentence(SessionRow row, ServerSession session, @Nullable String reason) {
    var because = reason == null ? "" : ": " + reason;
    return "Session "
        + row.attempt()
        + switch (session.state()) {
          case ADVERTISING_KEYS -> " collects keys.";
          case SHARING_KEYS -> " collects encrypted shares.";
          case COLLECTING -> " collects masked vectors.";
          case VOTING -> " collects votes on " + session.survivors().size() + " survivors.";
          case RELEASING ->
              " is certified with "
                  + session.survivors().size()
                  + " of "
                  + row.descriptor().roster().size()
                  + " sites and collects promises not to abort.";
          case UNMASKING ->
              " is certified with "
                  + session.survivors().size()
                  + " of "
                  + row.descriptor().roster().size()
                  + " sites and collects shares.";
          case ABORTING -> " collects votes to abort.";
          case DONE -> " is done" + because + ".";
          case ABORTED -> " is aborted" + because + ".";
        };
  }
}
