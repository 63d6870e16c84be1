package dev.comity.session;

import dev.comity.codec.Bytes;
import dev.comity.membership.MessageKey;
import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import java.util.List;
import java.util.Optional;

/// P1: the sites of the roster advertise their keys.
record AdvertisingKeys(
    Roster roster,
    DescriptorView view,
    PersistentMap<SiteId, SignedMessage> received,
    PersistentMap<Digest, SiteId> owners)
    implements ServerSession {

  static AdvertisingKeys of(Roster roster) {
    return new AdvertisingKeys(
        roster,
        new DescriptorView(roster.descriptor()),
        PersistentMap.empty(),
        PersistentMap.empty());
  }

  @Override
  public State state() {
    return State.ADVERTISING_KEYS;
  }

  @Override
  public SessionDescriptor descriptor() {
    return roster.descriptor();
  }

  @Override
  public Transition on(SessionEvent event) {
    return switch (event) {
      case SessionEvent.MessageReceived(var message) ->
          Gate.check(
                  roster,
                  message,
                  SignedMessage.Phase.ADVERTISE_KEYS,
                  site -> Gate.digest(received, site))
              .orElseGet(() -> Gate.refusing(() -> accept(message)));
      case SessionEvent.MaskedInputStored(var site, _) ->
          new Transition.Refused(
              SessionRefusal.Reason.OUT_OF_ORDER, "masked input of " + site + " before any keys");
      case SessionEvent.PhaseDeadlinePassed(var phase)
          when phase != SignedMessage.Phase.ADVERTISE_KEYS ->
          new Transition.Ignored(
              Transition.Cause.NOT_RUNNING, "the deadline of " + phase + " is not running");
      case SessionEvent.PhaseDeadlinePassed _ when received.size() >= roster.minSurvivors() ->
          sharing(received);
      case SessionEvent.PhaseDeadlinePassed _ ->
          aborted(
              "%d of %d sites advertised keys in time; %d are needed"
                  .formatted(received.size(), roster.size(), roster.minSurvivors()));
      case SessionEvent.Cancelled(var reason) -> aborted("cancelled: " + reason);
      case SessionEvent.MemberRevoked(var site) when roster.holds(site) ->
          aborted(site + " was revoked");
      case SessionEvent.MemberRevoked(var site) ->
          new Transition.Ignored(
              Transition.Cause.NOT_CONCERNED, site + " is not in the roster of this session");
    };
  }

  private Transition accept(SignedMessage message) {
    roster.verify(message, roster.session());
    Advertisement advertisement = Advertisement.of(message, roster.agreement());
    requireSameMembership(message.sender(), advertisement);
    PersistentMap<Digest, SiteId> owned = owners;
    for (Bytes key : List.of(advertisement.maskKey(), advertisement.channelKey())) {
      Digest name = Digest.ofValue(key);
      SiteId other = owners.get(name);
      if (other != null) {
        throw new SessionRefusal(
            SessionRefusal.Reason.BAD_KEY,
            "keys of %s: %s advertised one of them; make fresh keys"
                .formatted(message.sender(), other));
      }
      owned = owned.with(name, message.sender());
    }
    PersistentMap<SiteId, SignedMessage> now = received.with(message.sender(), message);
    return now.size() == roster.size()
        ? sharing(now)
        : new Transition.Moved(new AdvertisingKeys(roster, view, now, owned));
  }

  /// Aborted where no ring over so few sites withstands the colluding ones.
  private Transition sharing(PersistentMap<SiteId, SignedMessage> advertised) {
    try {
      return new Transition.Moved(SharingKeys.of(KeyList.of(roster, advertised.values())));
    } catch (SessionRefusal refusal) {
      return aborted(refusal.getMessage());
    }
  }

  /// The other sites would refuse a U1 with such a site: it stays out instead.
  private void requireSameMembership(SiteId sender, Advertisement advertisement) {
    SessionDescriptor descriptor = roster.descriptor();
    if (advertisement.membershipVersion() != descriptor.membershipVersion()
        || !advertisement.membership().equals(descriptor.membership())) {
      throw new SessionRefusal(
          SessionRefusal.Reason.OTHER_MEMBERSHIP,
          "%s has seen membership version %d (%s), this session has version %d (%s); it takes part in the next session of the newer list"
              .formatted(
                  sender,
                  advertisement.membershipVersion(),
                  advertisement.membership().abbreviated(),
                  descriptor.membershipVersion(),
                  descriptor.membership().abbreviated()));
    }
  }

  private Transition aborted(String reason) {
    return new Transition.Moved(new Aborted(roster, reason, Optional.empty()));
  }

  @Override
  public List<Owed> owed() {
    return roster.keys().keySet().stream()
        .filter(site -> !received.containsKey(site))
        .map(site -> new Owed(site, SignedView.Kind.DESCRIPTOR))
        .toList();
  }

  @Override
  public Optional<SignedView> viewFor(SiteId site, MessageKey aggregator) {
    return roster.holds(site) && !received.containsKey(site)
        ? Optional.of(view.by(aggregator))
        : Optional.empty();
  }

  @Override
  public Optional<SignedMessage.Phase> deadline() {
    return Optional.of(SignedMessage.Phase.ADVERTISE_KEYS);
  }
}
