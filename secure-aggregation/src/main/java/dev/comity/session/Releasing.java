package dev.comity.session;

import dev.comity.codec.Bytes;
import dev.comity.membership.MessageKey;
import dev.comity.plan.SiteId;
import java.util.List;
import java.util.Optional;

/// On a ring, between certificate and unmasking: the sites of U2 promise that they will not ABORT,
/// without deadline. Nobody proposes an ABORT any more.
record Releasing(
    Dealing dealing,
    HeaderList headers,
    CommitProof proof,
    PersistentMap<SiteId, SignedMessage> releases)
    implements ServerSession {

  static Releasing of(Dealing dealing, HeaderList headers, Certificate.Commit commit) {
    return new Releasing(dealing, headers, CommitProof.of(commit), PersistentMap.empty());
  }

  @Override
  public State state() {
    return State.RELEASING;
  }

  @Override
  public SessionDescriptor descriptor() {
    return dealing.roster().descriptor();
  }

  @Override
  public Transition on(SessionEvent event) {
    return switch (event) {
      case SessionEvent.MessageReceived(var message) ->
          Gate.check(
                  dealing.roster(),
                  message,
                  SignedMessage.Phase.RELEASE,
                  site -> Gate.digest(releases, site))
              .orElseGet(() -> Gate.refusing(() -> accept(message)));
      case SessionEvent.MaskedInputStored(var site, _) ->
          new Transition.Ignored(
              Transition.Cause.LATE,
              "masked input of " + site + " came late: the survivors are fixed");
      case SessionEvent.PhaseDeadlinePassed(var phase) ->
          new Transition.Ignored(
              Transition.Cause.NOT_RUNNING,
              "the deadline of " + phase + " is not running: answers have none");
      case SessionEvent.Cancelled _ ->
          new Transition.Ignored(
              Transition.Cause.DECIDED,
              "the survivors are certified: the session goes on to its sum");
      case SessionEvent.MemberRevoked _ ->
          new Transition.Ignored(
              Transition.Cause.DECIDED,
              "the survivors are certified: the session goes on to its sum");
    };
  }

  private Transition accept(SignedMessage message) {
    SiteId sender = message.sender();
    dealing.requireDealer(sender);
    if (!message.body().equals(Bytes.of(Ballot.releaseBody()))) {
      throw new SessionRefusal(
          SessionRefusal.Reason.MALFORMED,
          "RELEASE of %s: a body of another kind".formatted(sender));
    }
    dealing.roster().verify(message, headers.h3());
    PersistentMap<SiteId, SignedMessage> now = releases.with(sender, message);
    return new Transition.Moved(
        now.size() < dealing.roster().threshold()
            ? new Releasing(dealing, headers, proof, now)
            : Unmasking.of(
                dealing, headers, proof, Optional.of(Releases.of(Votes.of(now.values())))));
  }

  @Override
  public List<Owed> owed() {
    return dealing.shares().sites().stream()
        .filter(site -> !releases.containsKey(site))
        .map(site -> new Owed(site, SignedView.Kind.RELEASE))
        .toList();
  }

  @Override
  public Optional<SignedView> viewFor(SiteId site, MessageKey aggregator) {
    return dealing.shares().holds(site) && !releases.containsKey(site)
        ? Optional.of(
            dealing.view(
                SignedView.Kind.RELEASE,
                dealing.headersFor(site, headers).bytes("certificate", proof.encoded()),
                aggregator))
        : Optional.empty();
  }

  @Override
  public Optional<Certificate> certificate() {
    return Optional.of(proof.commit());
  }

  @Override
  public List<SiteId> survivors() {
    return headers.survivors();
  }
}
