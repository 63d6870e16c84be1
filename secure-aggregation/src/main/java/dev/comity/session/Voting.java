package dev.comity.session;

import dev.comity.membership.MessageKey;
import dev.comity.plan.SiteId;
import java.util.List;
import java.util.Optional;

/// P4: the sites of U2 vote on the survivors U3. There is no deadline.
///
/// A site may ABORT after its COMMIT, which then no longer counts. Once T COMMITs can no longer be
/// reached the session goes on to Aborting.
record Voting(
    Dealing dealing,
    HeaderList headers,
    PersistentMap<SiteId, SignedMessage> commits,
    PersistentMap<SiteId, SignedMessage> aborts)
    implements ServerSession {

  static Voting of(Dealing dealing, HeaderList headers) {
    return new Voting(dealing, headers, PersistentMap.empty(), PersistentMap.empty());
  }

  @Override
  public State state() {
    return State.VOTING;
  }

  @Override
  public SessionDescriptor descriptor() {
    return dealing.roster().descriptor();
  }

  @Override
  public Transition on(SessionEvent event) {
    return switch (event) {
      case SessionEvent.MessageReceived(var message) ->
          Gate.check(dealing.roster(), message, SignedMessage.Phase.VOTE)
              .orElseGet(() -> Gate.refusing(() -> accept(message)));
      case SessionEvent.MaskedInputStored(var site, _) ->
          new Transition.Ignored(
              Transition.Cause.LATE,
              "masked input of " + site + " came late: the survivors are fixed");
      case SessionEvent.PhaseDeadlinePassed(var phase) ->
          new Transition.Ignored(
              Transition.Cause.NOT_RUNNING,
              "the deadline of " + phase + " is not running: votes have none");
      case SessionEvent.Cancelled(var reason) -> aborting(aborts, "cancelled: " + reason);
      case SessionEvent.MemberRevoked(var site) when dealing.roster().holds(site) ->
          aborting(aborts, site + " was revoked");
      case SessionEvent.MemberRevoked(var site) ->
          new Transition.Ignored(
              Transition.Cause.NOT_CONCERNED, site + " is not in the roster of this session");
    };
  }

  private Transition accept(SignedMessage message) {
    SiteId sender = message.sender();
    if (!dealing.shares().holds(sender)) {
      throw new SessionRefusal(
          SessionRefusal.Reason.OUT_OF_ORDER,
          "vote of %s, which dealt no shares; the voters are the sites that did".formatted(sender));
    }
    if (aborts.containsKey(sender)) {
      return new Transition.Ignored(
          Transition.Cause.REPEATED, sender + " voted ABORT already, which is final");
    }
    return switch (Ballot.decode(message.body().toByteArray())) {
      case COMMIT -> commit(message);
      case ABORT -> abort(message);
    };
  }

  private Transition commit(SignedMessage message) {
    if (commits.containsKey(message.sender())) {
      return new Transition.Ignored(
          Transition.Cause.REPEATED, "COMMIT of " + message.sender() + " was received already");
    }
    dealing.roster().verify(message, headers.h3());
    PersistentMap<SiteId, SignedMessage> now = commits.with(message.sender(), message);
    if (now.size() < dealing.roster().threshold()) {
      return new Transition.Moved(new Voting(dealing, headers, now, aborts));
    }
    Certificate.Commit certificate =
        new Certificate.Commit(
            dealing.roster().session(),
            dealing.shares().h2(),
            headers.inputs(),
            Votes.of(now.values()));
    return new Transition.Moved(
        switch (descriptor().graph()) {
          case SessionDescriptor.Graph.Complete _ ->
              Unmasking.of(dealing, headers, CommitProof.of(certificate), Optional.empty());
          case SessionDescriptor.Graph.Regular _ -> Releasing.of(dealing, headers, certificate);
        });
  }

  private Transition abort(SignedMessage message) {
    dealing.roster().verify(message, dealing.roster().session());
    PersistentMap<SiteId, SignedMessage> now = aborts.with(message.sender(), message);
    if (dealing.shares().messages().size() - now.size() < dealing.roster().threshold()) {
      return aborting(now, "too many sites voted ABORT for a quorum of COMMITs");
    }
    return new Transition.Moved(
        new Voting(dealing, headers, commits.without(message.sender()), now));
  }

  private Transition aborting(PersistentMap<SiteId, SignedMessage> votes, String reason) {
    return new Transition.Moved(Aborting.of(dealing.shares(), votes, reason));
  }

  @Override
  public List<Owed> owed() {
    return dealing.shares().sites().stream()
        .filter(site -> !commits.containsKey(site) && !aborts.containsKey(site))
        .map(site -> new Owed(site, SignedView.Kind.HEADERS))
        .toList();
  }

  @Override
  public Optional<SignedView> viewFor(SiteId site, MessageKey aggregator) {
    return dealing.shares().holds(site) && !commits.containsKey(site) && !aborts.containsKey(site)
        ? Optional.of(
            dealing.view(SignedView.Kind.HEADERS, dealing.headersFor(site, headers), aggregator))
        : Optional.empty();
  }

  @Override
  public List<SiteId> survivors() {
    return headers.survivors();
  }
}
