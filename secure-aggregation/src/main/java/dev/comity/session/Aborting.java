package dev.comity.session;

import dev.comity.codec.CborWriter;
import dev.comity.membership.MessageKey;
import dev.comity.plan.SiteId;
import java.util.List;
import java.util.Optional;

/// The aggregator proposes ABORT and waits for T votes, without deadline. It counts no COMMIT any
/// more: this state is stored before the first proposal leaves.
record Aborting(ShareList shares, PersistentMap<SiteId, SignedMessage> aborts, String reason)
    implements ServerSession {

  /// Aborted already when the votes suffice.
  static ServerSession of(
      ShareList shares, PersistentMap<SiteId, SignedMessage> aborts, String reason) {
    Roster roster = shares.keys().roster();
    return aborts.size() < roster.threshold()
        ? new Aborting(shares, aborts, reason)
        : new Aborted(
            roster,
            reason,
            Optional.of(new Certificate.Abort(roster.session(), Votes.of(aborts.values()))));
  }

  private Roster roster() {
    return shares.keys().roster();
  }

  @Override
  public State state() {
    return State.ABORTING;
  }

  @Override
  public SessionDescriptor descriptor() {
    return roster().descriptor();
  }

  @Override
  public Transition on(SessionEvent event) {
    return switch (event) {
      case SessionEvent.MessageReceived(var message) ->
          Gate.check(roster(), message, SignedMessage.Phase.VOTE)
              .orElseGet(() -> Gate.refusing(() -> accept(message)));
      case SessionEvent.MaskedInputStored(var site, _) ->
          new Transition.Ignored(
              Transition.Cause.LATE,
              "masked input of " + site + " came late: the session is aborting");
      case SessionEvent.PhaseDeadlinePassed(var phase) ->
          new Transition.Ignored(
              Transition.Cause.NOT_RUNNING,
              "the deadline of " + phase + " is not running: votes have none");
      case SessionEvent.Cancelled _ ->
          new Transition.Ignored(Transition.Cause.DECIDED, "the session is aborting already");
      case SessionEvent.MemberRevoked _ ->
          new Transition.Ignored(Transition.Cause.DECIDED, "the session is aborting already");
    };
  }

  private Transition accept(SignedMessage message) {
    SiteId sender = message.sender();
    if (!shares.holds(sender)) {
      throw new SessionRefusal(
          SessionRefusal.Reason.OUT_OF_ORDER,
          "vote of %s, which dealt no shares; the voters are the sites that did".formatted(sender));
    }
    if (aborts.containsKey(sender)) {
      return new Transition.Ignored(
          Transition.Cause.REPEATED, "ABORT of " + sender + " was received already");
    }
    return switch (Ballot.decode(message.body().toByteArray())) {
      case COMMIT ->
          new Transition.Ignored(
              Transition.Cause.LATE, "COMMIT of " + sender + " came late: the session is aborting");
      case ABORT -> {
        roster().verify(message, roster().session());
        yield new Transition.Moved(of(shares, aborts.with(sender, message), reason));
      }
    };
  }

  @Override
  public List<Owed> owed() {
    return shares.sites().stream()
        .filter(site -> !aborts.containsKey(site))
        .map(site -> new Owed(site, SignedView.Kind.ABORT_PROPOSAL))
        .toList();
  }

  @Override
  public Optional<SignedView> viewFor(SiteId site, MessageKey aggregator) {
    return shares.holds(site) && !aborts.containsKey(site)
        ? Optional.of(
            SignedView.of(
                SignedView.Kind.ABORT_PROPOSAL,
                roster().session(),
                CborWriter.map().text("reason", reason),
                aggregator))
        : Optional.empty();
  }
}
