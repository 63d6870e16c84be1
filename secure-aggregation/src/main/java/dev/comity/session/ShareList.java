package dev.comity.session;

import dev.comity.codec.CborReader;
import dev.comity.codec.CborWriter;
import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;

/// U2 whole: the published P2 messages, that is, the dealers' commitments, and H2 over them.
record ShareList(
    KeyList keys, SortedMap<SiteId, SignedMessage> messages, Digest h2, Optional<Board> board) {

  ShareList {
    messages = Collections.unmodifiableSortedMap(messages);
  }

  /// Checks everything but the signatures: at least m sites, all of U1.
  static ShareList of(KeyList keys, Collection<SignedMessage> received) {
    SortedMap<SiteId, SignedMessage> messages =
        Roster.bySender(received.stream().map(SignedMessage::published).toList());
    keys.roster().requireSurvivors("sites dealt shares", messages.size());
    for (SignedMessage message : messages.values()) {
      keys.place(message.sender());
      ShareDeliveries.root(message.body().toByteArray());
    }
    Optional<Board> board = keys.onRing().map(_ -> Board.of(keys.roster(), messages));
    Digest h2 =
        board
            .map(posted -> Chain.posted(Labels.H2, keys.h1(), posted.places(), posted.root()))
            .orElseGet(() -> Chain.h2(keys.h1(), messages.values()));
    return new ShareList(keys, messages, h2, board);
  }

  /// As `of`, and verifies every signature. On the complete graph.
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

  /// What `site` is shown: everything, or what concerns it on the ring.
  CborWriter shownTo(SiteId site) {
    return board.map(posted -> posted.toCbor(keys.neighbourhood(site))).orElseGet(this::toCbor);
  }

  boolean holds(SiteId site) {
    return messages.containsKey(site);
  }

  /// Sorted.
  List<SiteId> sites() {
    return List.copyOf(messages.keySet());
  }
}
