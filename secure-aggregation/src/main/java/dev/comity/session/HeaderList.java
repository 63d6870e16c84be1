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

/// U3 whole: the headers of the sites whose masked input counts, and H3 over them.
record HeaderList(
    ShareList shares, SortedMap<SiteId, SignedMessage> messages, Digest h3, Optional<Board> board) {

  HeaderList {
    messages = Collections.unmodifiableSortedMap(messages);
  }

  /// Checks everything but the signatures: at least m sites, all of U2, each header with the one
  /// H2.
  ///
  /// Without the check of H2 an aggregator that shows one site another U2 would get both shares of
  /// somebody.
  static HeaderList of(ShareList shares, Collection<SignedMessage> received) {
    SortedMap<SiteId, SignedMessage> messages = Roster.bySender(received);
    shares.keys().roster().requireSurvivors("masked inputs", messages.size());
    for (SignedMessage message : messages.values()) {
      if (!shares.holds(message.sender())) {
        throw new SessionRefusal(
            SessionRefusal.Reason.INCONSISTENT_VIEW,
            "header of %s, which dealt no shares".formatted(message.sender()));
      }
      requireSameH2(message, shares.h2());
    }
    Optional<Board> board = shares.board().map(_ -> Board.of(shares.keys().roster(), messages));
    Digest h3 =
        board
            .map(posted -> Chain.posted(Labels.H3, shares.h2(), posted.places(), posted.root()))
            .orElseGet(() -> Chain.h3(shares.h2(), Chain.headers(messages.values())));
    return new HeaderList(shares, messages, h3, board);
  }

  static void requireSameH2(SignedMessage header, Digest h2) {
    if (!InputHeader.of(header).h2().equals(h2)) {
      throw new SessionRefusal(
          SessionRefusal.Reason.INCONSISTENT_VIEW,
          "header of %s carries another H2: it was shown another set of shares"
              .formatted(header.sender()));
    }
  }

  /// As `of`, and verifies every signature. On the complete graph.
  static HeaderList fromCbor(ShareList shares, CborReader in) {
    Roster roster = shares.keys().roster();
    List<SignedMessage> received =
        KeyList.messagesFromCbor(
            in, roster, SignedMessage.Phase.MASKED_INPUT, InputHeader.MOST_BYTES);
    roster.verifyAll(received, shares.h2());
    return of(shares, received);
  }

  CborWriter toCbor() {
    return KeyList.messagesToCbor(messages.values());
  }

  /// What `site` is shown: everything, or what concerns it on the ring.
  CborWriter shownTo(SiteId site) {
    return board
        .map(posted -> posted.toCbor(shares.keys().neighbourhood(site)))
        .orElseGet(this::toCbor);
  }

  /// What a COMMIT certificate says of U3.
  Certificate.Inputs inputs() {
    return board
        .<Certificate.Inputs>map(
            posted -> new Certificate.Posted(posted.places().encode(), posted.root()))
        .orElseGet(() -> new Certificate.Listed(Chain.headers(messages.values())));
  }

  boolean holds(SiteId site) {
    return messages.containsKey(site);
  }

  /// Sorted.
  List<SiteId> survivors() {
    return List.copyOf(messages.keySet());
  }

  /// U2 without U3, sorted.
  List<SiteId> dropped() {
    return shares.sites().stream().filter(site -> !holds(site)).toList();
  }
}
