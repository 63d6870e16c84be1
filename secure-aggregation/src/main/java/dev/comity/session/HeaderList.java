package dev.comity.session;

import dev.comity.codec.CborReader;
import dev.comity.codec.CborWriter;
import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;

/// U3: the headers of the sites whose masked input counts, and H3 over them.
record HeaderList(ShareList shares, SortedMap<SiteId, SignedMessage> messages, Digest h3) {

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
    int least = shares.keys().roster().minSurvivors();
    if (messages.size() < least) {
      throw new SessionRefusal(
          SessionRefusal.Reason.QUORUM,
          "%d masked inputs; must be >= minSurvivors %d".formatted(messages.size(), least));
    }
    for (SignedMessage message : messages.values()) {
      if (!shares.holds(message.sender())) {
        throw new SessionRefusal(
            SessionRefusal.Reason.INCONSISTENT_VIEW,
            "header of %s, which dealt no shares".formatted(message.sender()));
      }
      if (!InputHeader.of(message).h2().equals(shares.h2())) {
        throw new SessionRefusal(
            SessionRefusal.Reason.INCONSISTENT_VIEW,
            "header of %s carries another H2: it was shown another set of shares"
                .formatted(message.sender()));
      }
    }
    return new HeaderList(
        shares, messages, Chain.h3(shares.h2(), Chain.headers(messages.values())));
  }

  /// As `of`, and verifies every signature.
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
