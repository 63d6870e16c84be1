package dev.comity.session;

import dev.comity.membership.MessageKey;
import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/// P3: the sites of U2 send their header, then their masked input. From here on a site may have
/// sent one, so the session ends by votes alone.
record Collecting(
    Dealing dealing, SortedMap<SiteId, SignedMessage> headers, SortedSet<SiteId> stored)
    implements ServerSession {

  Collecting {
    headers = Collections.unmodifiableSortedMap(new TreeMap<>(headers));
    stored = Collections.unmodifiableSortedSet(new TreeSet<>(stored));
  }

  static Collecting of(KeyList keys, Map<SiteId, SharingKeys.Dealt> dealt) {
    return new Collecting(Dealing.of(keys, dealt), new TreeMap<>(), new TreeSet<>());
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
          Gate.check(dealing.roster(), message, SignedMessage.Phase.MASKED_INPUT, headers)
              .orElseGet(() -> Gate.refusing(() -> accept(message)));
      case SessionEvent.MaskedInputStored(var site, _) when stored.contains(site) ->
          new Transition.Ignored(
              Transition.Cause.REPEATED, "masked input of " + site + " was stored already");
      case SessionEvent.MaskedInputStored(var site, var root)
          when headerRoot(site).filter(root::equals).isPresent() ->
          new Transition.Moved(withStored(site));
      case SessionEvent.MaskedInputStored(var site, _) ->
          new Transition.Refused(
              SessionRefusal.Reason.MISMATCH,
              "masked input of %s: its chunk root is not the one of a header received before; send the header first and the exact bytes it names"
                  .formatted(site));
      case SessionEvent.PhaseDeadlinePassed(var phase)
          when phase != SignedMessage.Phase.MASKED_INPUT ->
          new Transition.Ignored(
              Transition.Cause.NOT_RUNNING, "the deadline of " + phase + " is not running");
      case SessionEvent.PhaseDeadlinePassed _
          when stored.size() >= dealing.roster().minSurvivors() ->
          new Transition.Moved(voting(stored));
      case SessionEvent.PhaseDeadlinePassed _ -> // no retry without proof
          aborting(
              "%d of %d masked inputs arrived in time; %d are needed"
                  .formatted(
                      stored.size(),
                      dealing.shares().messages().size(),
                      dealing.roster().minSurvivors()));
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
    SortedMap<SiteId, SignedMessage> now = new TreeMap<>(headers);
    now.put(message.sender(), message);
    return new Transition.Moved(new Collecting(dealing, now, stored));
  }

  private ServerSession withStored(SiteId site) {
    SortedSet<SiteId> now = new TreeSet<>(stored);
    now.add(site);
    return now.size() == dealing.shares().messages().size()
        ? voting(now)
        : new Collecting(dealing, headers, now);
  }

  private Voting voting(SortedSet<SiteId> survivors) {
    return Voting.of(
        dealing, HeaderList.of(dealing.shares(), survivors.stream().map(headers::get).toList()));
  }

  private Transition aborting(String reason) {
    return new Transition.Moved(Aborting.of(dealing.shares(), new TreeMap<>(), reason));
  }

  @Override
  public List<Owed> owed() {
    return dealing.shares().sites().stream()
        .filter(site -> !stored.contains(site))
        .map(site -> new Owed(site, SignedView.Kind.SHARES))
        .toList();
  }

  @Override
  public Optional<SignedView> viewFor(SiteId site, MessageKey aggregator) {
    return dealing.shares().holds(site) && !stored.contains(site)
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
