package dev.comity.session;

import dev.comity.membership.MessageKey;
import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/// P3: the sites of U2 send their header, then their masked input. From here on a site may have
/// sent one, so the session ends by votes alone.
record Collecting(
    Dealing dealing,
    PersistentMap<SiteId, SignedMessage> headers,
    PersistentMap<SiteId, SignedMessage> stored)
    implements ServerSession {

  /// `stored` are the headers of the vectors that have arrived.
  static Collecting of(Dealing dealing) {
    return new Collecting(dealing, PersistentMap.empty(), PersistentMap.empty());
  }

  @Override
  public State state() {
    return State.COLLECTING;
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
                  SignedMessage.Phase.MASKED_INPUT,
                  site -> Gate.digest(headers, site))
              .orElseGet(() -> Gate.refusing(() -> accept(message)));
      case SessionEvent.MaskedInputStored(var site, _) when stored.containsKey(site) ->
          new Transition.Ignored(
              Transition.Cause.REPEATED, "masked input of " + site + " was stored already");
      case SessionEvent.MaskedInputStored(var site, var root)
          when headerRoot(site).filter(root::equals).isPresent() ->
          withStored(site);
      case SessionEvent.MaskedInputStored(var site, _) ->
          new Transition.Refused(
              SessionRefusal.Reason.MISMATCH,
              "masked input of %s: its chunk root is not the one of a header received before; send the header first and the exact bytes it names"
                  .formatted(site));
      case SessionEvent.PhaseDeadlinePassed(var phase)
          when phase != SignedMessage.Phase.MASKED_INPUT ->
          new Transition.Ignored(
              Transition.Cause.NOT_RUNNING, "the deadline of " + phase + " is not running");
      case SessionEvent.PhaseDeadlinePassed _ -> voting();
      case SessionEvent.Cancelled(var reason) -> aborting("cancelled: " + reason);
      case SessionEvent.MemberRevoked(var site) when dealing.roster().holds(site) ->
          aborting(site + " was revoked");
      case SessionEvent.MemberRevoked(var site) ->
          new Transition.Ignored(
              Transition.Cause.NOT_CONCERNED, site + " is not in the roster of this session");
    };
  }

  private Transition accept(SignedMessage message) {
    if (!dealing.shares().holds(message.sender())) {
      throw new SessionRefusal(
          SessionRefusal.Reason.OUT_OF_ORDER,
          "header of %s, which dealt no shares in time; it leaves this session"
              .formatted(message.sender()));
    }
    dealing.roster().verify(message, dealing.shares().h2());
    if (!InputHeader.of(message).h2().equals(dealing.shares().h2())) {
      throw new SessionRefusal(
          SessionRefusal.Reason.MISMATCH, "header of " + message.sender() + " carries another H2");
    }
    return new Transition.Moved(
        new Collecting(dealing, headers.with(message.sender(), message), stored));
  }

  private Transition withStored(SiteId site) {
    Collecting now =
        new Collecting(
            dealing, headers, stored.with(site, Objects.requireNonNull(headers.get(site))));
    return now.stored.size() == dealing.shares().messages().size()
        ? now.voting()
        : new Transition.Moved(now);
  }

  /// With those whose vectors have arrived; on a ring with the largest part of them in which each
  /// keeps enough neighbours. Too few of them: no retry without proof.
  private Transition voting() {
    Roster roster = dealing.roster();
    PlaceSet core = dealing.keys().core(PlaceSet.of(roster, stored.keySet()));
    if (core.size() < roster.minSurvivors()) {
      return aborting(
          "%d of %d masked inputs arrived in time; %d are needed"
              .formatted(core.size(), dealing.shares().messages().size(), roster.minSurvivors()));
    }
    List<SignedMessage> survivors =
        stored.values().stream()
            .filter(header -> core.holds(roster.index(header.sender())))
            .toList();
    return new Transition.Moved(Voting.of(dealing, HeaderList.of(dealing.shares(), survivors)));
  }

  private Transition aborting(String reason) {
    return new Transition.Moved(Aborting.of(dealing.shares(), PersistentMap.empty(), reason));
  }

  @Override
  public List<Owed> owed() {
    return dealing.shares().sites().stream()
        .filter(site -> !stored.containsKey(site))
        .map(site -> new Owed(site, SignedView.Kind.SHARES))
        .toList();
  }

  @Override
  public Optional<SignedView> viewFor(SiteId site, MessageKey aggregator) {
    return dealing.shares().holds(site) && !stored.containsKey(site)
        ? Optional.of(dealing.view(SignedView.Kind.SHARES, dealing.sharesFor(site), aggregator))
        : Optional.empty();
  }

  @Override
  public Optional<SignedMessage.Phase> deadline() {
    return Optional.of(SignedMessage.Phase.MASKED_INPUT);
  }

  @Override
  public Optional<Digest> headerRoot(SiteId site) {
    return Optional.ofNullable(headers.get(site)).map(header -> InputHeader.of(header).chunkRoot());
  }
}
