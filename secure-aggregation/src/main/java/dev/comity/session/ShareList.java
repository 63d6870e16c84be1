package dev.comity.session;

import dev.comity.codec.CborReader;
import dev.comity.codec.CborWriter;
import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;

/// U2: the published P2 messages, that is, the dealers' commitments, and H2 over them.
record ShareList(KeyList keys, SortedMap<SiteId, SignedMessage> messages, Digest h2) {

  ShareList {
    messages = Collections.unmodifiableSortedMap(messages);
  }

  /// Checks everything but the signatures: at least m sites, all of U1.
  static ShareList of(KeyList keys, Collection<SignedMessage> received) {
    SortedMap<SiteId, SignedMessage> messages =
        Roster.bySender(received.stream().map(SignedMessage::published).toList());
    if (messages.size() < keys.roster().minSurvivors()) {
      throw new SessionRefusal(
          SessionRefusal.Reason.QUORUM,
          "%d sites dealt shares; must be >= minSurvivors %d"
              .formatted(messages.size(), keys.roster().minSurvivors()));
    }
    for (SignedMessage message : messages.values()) {
      keys.place(message.sender());
      ShareDeliveries.root(message.body().toByteArray());
    }
    return new ShareList(keys, messages, Chain.h2(keys.h1(), messages.values()));
  }

  /// As `of`, and verifies every signature.
  static ShareList fromCbor(KeyList keys, CborReader in) {
    List<SignedMessage> received =
        KeyList.messagesFromCbor(
            in,
            keys.roster(),
            SignedMessage.Phase.SHARE_KEYS,
            ShareDeliveries.MOST_COMMITMENT_BYTES);
    keys.roster().verifyAll(received, keys.h1());
    return of(keys, received);
  }

  CborWriter toCbor() {
    return KeyList.messagesToCbor(messages.values());
  }

  boolean holds(SiteId site) {
    return messages.containsKey(site);
  }

  /// Sorted.
  List<SiteId> sites() {
    return List.copyOf(messages.keySet());
  }

  Digest root(SiteId dealer) {
    SignedMessage message = messages.get(dealer);
    if (message == null) {
      throw new SessionRefusal(
          SessionRefusal.Reason.INCONSISTENT_VIEW, dealer + " dealt no shares in this session");
    }
    return ShareDeliveries.root(message.body().toByteArray());
  }
}
