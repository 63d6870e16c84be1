package dev.comity.session;

import dev.comity.membership.MessageKey;
import dev.comity.plan.SiteId;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/// P2: the sites of U1 deal the shares of their secrets.
record SharingKeys(KeyList keys, SortedMap<SiteId, Dealt> dealt) implements ServerSession {

  /// A dealer's message and what it dealt.
  record Dealt(SignedMessage message, ShareDeliveries deliveries) {}

  SharingKeys {
    dealt = Collections.unmodifiableSortedMap(new TreeMap<>(dealt));
  }

  static SharingKeys of(KeyList keys) {
    return new SharingKeys(keys, new TreeMap<>());
  }

  @Override
  public State state() {
    return State.SHARING_KEYS;
  }

  @Override
  public SessionDescriptor descriptor() {
    return roster().descriptor();
  }

  private Roster roster() {
    return keys.roster();
  }

  @Override
  public Transition on(SessionEvent event) {
    return switch (event) {
      case SessionEvent.MessageReceived(var message) ->
          Gate.check(roster(), message, SignedMessage.Phase.SHARE_KEYS, Gate.messages(dealt))
              .orElseGet(() -> Gate.refusing(() -> accept(message)));
      case SessionEvent.MaskedInputStored(var site, _) ->
          new Transition.Refused(
              SessionRefusal.Reason.OUT_OF_ORDER,
              "masked input of " + site + " before the shares were dealt");
      case SessionEvent.PhaseDeadlinePassed(var phase)
          when phase != SignedMessage.Phase.SHARE_KEYS ->
          new Transition.Ignored(
              Transition.Cause.NOT_RUNNING, "the deadline of " + phase + " is not running");
      case SessionEvent.PhaseDeadlinePassed _ when dealt.size() >= roster().minSurvivors() ->
          new Transition.Moved(Collecting.of(keys, dealt));
      case SessionEvent.PhaseDeadlinePassed _ ->
          aborted(
              "%d of %d sites dealt shares in time; %d are needed"
                  .formatted(dealt.size(), keys.sites().size(), roster().minSurvivors()));
      case SessionEvent.Cancelled(var reason) -> aborted("cancelled: " + reason);
      case SessionEvent.MemberRevoked(var site) when roster().holds(site) ->
          aborted(site + " was revoked");
      case SessionEvent.MemberRevoked(var site) ->
          new Transition.Ignored(
              Transition.Cause.NOT_CONCERNED, site + " is not in the roster of this session");
    };
  }

  private Transition accept(SignedMessage message) {
    keys.place(message.sender());
    ShareDeliveries deliveries = ShareDeliveries.received(keys, message);
    roster().verify(message, keys.h1());
    SortedMap<SiteId, Dealt> now = new TreeMap<>(dealt);
    now.put(message.sender(), new Dealt(message, deliveries));
    return new Transition.Moved(
        now.size() == keys.sites().size() ? Collecting.of(keys, now) : new SharingKeys(keys, now));
  }

  private Transition aborted(String reason) {
    return new Transition.Moved(new Aborted(roster(), reason, Optional.empty()));
  }

  @Override
  public List<Owed> owed() {
    return keys.sites().stream()
        .filter(site -> !dealt.containsKey(site))
        .map(site -> new Owed(site, SignedView.Kind.KEYS))
        .toList();
  }

  @Override
  public Optional<SignedView> viewFor(SiteId site, MessageKey aggregator) {
    return keys.messages().containsKey(site) && !dealt.containsKey(site)
        ? Optional.of(
            SignedView.of(SignedView.Kind.KEYS, roster().session(), keys.toCbor(), aggregator))
        : Optional.empty();
  }

  @Override
  public Optional<SignedMessage.Phase> deadline() {
    return Optional.of(SignedMessage.Phase.SHARE_KEYS);
  }
}
