package dev.comity.simulation;

import dev.comity.membership.MembershipEpoch;
import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import dev.comity.session.ServerSession;
import dev.comity.session.SessionDescriptor;
import dev.comity.session.SessionEvent;
import dev.comity.session.SignedMessage;
import dev.comity.session.SignedView;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/// A session on the aggregator, with what its views claim. A liar holds several of one descriptor.
final class Fold {
  private final MembershipEpoch membership;
  private ServerSession state;
  private final SortedSet<SiteId> keys = new TreeSet<>();
  private final SortedSet<SiteId> shares = new TreeSet<>();
  private final SortedMap<SiteId, SignedMessage> headers = new TreeMap<>();
  private final Map<SiteId, Optional<Packet.Shown>> views = new HashMap<>();

  Fold(SessionDescriptor descriptor, MembershipEpoch membership) {
    this.membership = membership;
    this.state = ServerSession.open(descriptor, membership);
  }

  /// A second fold of what happened so far.
  Fold copy() {
    Fold copy = new Fold(state.descriptor(), membership);
    copy.state = state;
    copy.keys.addAll(keys);
    copy.shares.addAll(shares);
    copy.headers.putAll(headers);
    return copy;
  }

  ServerSession state() {
    return state;
  }

  Digest id() {
    return state.descriptor().id();
  }

  MembershipEpoch membership() {
    return membership;
  }

  SortedMap<SiteId, SignedMessage> headers() {
    return headers;
  }

  SortedSet<SiteId> shares() {
    return shares;
  }

  /// Where `event` would lead.
  ServerSession.Transition on(SessionEvent event) {
    return state.on(event);
  }

  /// Goes where `event` led.
  void moved(SessionEvent event, ServerSession next) {
    if (event instanceof SessionEvent.MessageReceived(var message)) {
      switch (message.phase()) {
        case ADVERTISE_KEYS -> keys.add(message.sender());
        case SHARE_KEYS -> shares.add(message.sender());
        case MASKED_INPUT -> headers.put(message.sender(), message);
        case VOTE, RELEASE, UNMASK -> {
          // No view shows them.
        }
      }
    }
    state = next;
    views.clear();
  }

  Claim claim() {
    return new Claim(
        id(),
        keys,
        shares,
        new TreeSet<>(state.survivors()),
        headersDigest(state.survivors().stream().map(headers::get).toList()));
  }

  static Digest headersDigest(List<SignedMessage> headers) {
    List<byte[]> parts = new ArrayList<>();
    for (SignedMessage header : headers) {
      parts.add(header.body().toByteArray());
      parts.add(header.signature().toByteArray());
    }
    return Digest.ofAll(parts.toArray(byte[][]::new));
  }

  /// What `site` is owed now.
  Optional<Packet.Shown> viewFor(SiteId site) {
    return views.computeIfAbsent(
        site,
        _ ->
            state.owed().stream()
                .filter(owed -> owed.site().equals(site))
                .findFirst()
                .flatMap(owed -> shown(owed)));
  }

  private Optional<Packet.Shown> shown(ServerSession.Owed owed) {
    return state
        .viewFor(owed.site(), SimulatedFederation.aggregator())
        .map(SignedView::encode)
        .map(view -> new Packet.Shown(owed.view(), view, claim()));
  }
}
