package dev.comity.session;

import dev.comity.membership.MessageKey;
import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// P2: the sites of U1 deal the shares of their secrets.
record SharingKeys(KeyList keys, PersistentMap<SiteId, Dealt> dealt) implements ServerSession {

  /// What is published of a dealer's message, and what it dealt.
  record Dealt(SignedMessage message, ShareDeliveries deliveries) {}

  static SharingKeys of(KeyList keys) {
    return new SharingKeys(keys, PersistentMap.empty());
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
          Gate.check(roster(), message, SignedMessage.Phase.SHARE_KEYS, this::before)
              .orElseGet(() -> Gate.refusing(() -> accept(message)));
      case SessionEvent.MaskedInputStored(var site, _) ->
          new Transition.Refused(
              SessionRefusal.Reason.OUT_OF_ORDER,
              "masked input of " + site + " before the shares were dealt");
      case SessionEvent.PhaseDeadlinePassed(var phase)
          when phase != SignedMessage.Phase.SHARE_KEYS ->
          new Transition.Ignored(
              Transition.Cause.NOT_RUNNING, "the deadline of " + phase + " is not running");
      case SessionEvent.PhaseDeadlinePassed _ -> collecting();
      case SessionEvent.Cancelled(var reason) -> aborted("cancelled: " + reason);
      case SessionEvent.MemberRevoked(var site) when roster().holds(site) ->
          aborted(site + " was revoked");
      case SessionEvent.MemberRevoked(var site) ->
          new Transition.Ignored(
              Transition.Cause.NOT_CONCERNED, site + " is not in the roster of this session");
    };
  }

  private @Nullable Digest before(SiteId site) {
    Dealt before = dealt.get(site);
    return before == null ? null : before.message().digest();
  }

  private Transition accept(SignedMessage message) {
    keys.place(message.sender());
    ShareDeliveries deliveries = ShareDeliveries.received(keys, message);
    SignedMessage published = message.published(deliveries);
    roster().verify(published, keys.h1());
    SharingKeys now =
        new SharingKeys(keys, dealt.with(message.sender(), new Dealt(published, deliveries)));
    return now.dealt.size() == keys.sites().size() ? now.collecting() : new Transition.Moved(now);
  }

  /// With those that dealt; on a ring with the largest part of them in which each keeps enough
  /// neighbours, since nobody could ever unmask another.
  private Transition collecting() {
    PlaceSet core = keys.core(PlaceSet.of(roster(), dealt.keySet()));
    return core.size() >= roster().minSurvivors()
        ? new Transition.Moved(Collecting.of(Dealing.of(keys, core, dealt)))
        : aborted(
            "%d of %d sites dealt shares in time; %d are needed"
                .formatted(core.size(), keys.sites().size(), roster().minSurvivors()));
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
            SignedView.of(SignedView.Kind.KEYS, roster().session(), keys.shownTo(site), aggregator))
        : Optional.empty();
  }

  @Override
  public Optional<SignedMessage.Phase> deadline() {
    return Optional.of(SignedMessage.Phase.SHARE_KEYS);
  }
}
