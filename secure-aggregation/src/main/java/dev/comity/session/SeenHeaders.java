package dev.comity.session;

import dev.comity.codec.CborReader;
import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import java.util.Optional;
import java.util.SortedMap;

/// What the view of P4 shows one site: U3, and the headers that it checks.
record SeenHeaders(Seen headers, Optional<SignedMessage> own) {

  /// Checks at least m survivors, all of U2, and of each header shown the signature and that it
  /// carries this site's own H2: without that an aggregator that shows one site another U2 would
  /// get both shares of somebody. On the complete graph these are all headers, on a ring those of
  /// this site and its neighbours; there every survivor must keep enough neighbours among the
  /// survivors, or the aggregator could choose them so that a few are cut off.
  ///
  /// What has the H3 of `checked` is not checked again: H3 binds H2, the survivors and every header
  /// shown with its signature.
  static SeenHeaders read(
      Peers peers, SiteId self, Seen shares, Optional<Seen> checked, CborReader in) {
    Roster roster = peers.roster();
    PlaceSet places;
    SortedMap<SiteId, SignedMessage> messages;
    Digest h3;
    switch (peers) {
      case KeyList _ -> {
        messages =
            Roster.bySender(
                KeyList.messagesFromCbor(
                    in, roster, SignedMessage.Phase.MASKED_INPUT, InputHeader.MOST_BYTES));
        places = PlaceSet.of(roster, messages.keySet());
        h3 = Chain.h3(shares.h(), Chain.headers(messages.values()));
      }
      case NeighbourKeys neighbours -> {
        Board.Excerpt shown =
            Board.Excerpt.read(
                in, roster, SignedMessage.Phase.MASKED_INPUT, InputHeader.MOST_BYTES);
        shown.requireMessagesOf(roster, neighbours.neighbourhood());
        messages = shown.messages();
        places = shown.places();
        h3 = Chain.posted(Labels.H3, shares.h(), places, shown.root());
      }
    }
    Seen headers = new Seen(places, h3);
    Optional<SignedMessage> own = Optional.ofNullable(messages.get(self));
    if (checked.map(Seen::h).filter(h3::equals).isPresent()) {
      return new SeenHeaders(headers, own);
    }
    roster.requireSurvivors("masked inputs", places.size());
    roster.verifyAll(messages.values(), shares.h());
    messages.values().forEach(message -> HeaderList.requireSameH2(message, shares.h()));
    if (!places.within(shares.places()) || !peers.connected(places)) {
      throw new SessionRefusal(
          SessionRefusal.Reason.INCONSISTENT_VIEW,
          "survivors: each must have dealt shares and, on a ring, keep %d neighbours among them"
              .formatted(peers.shareThreshold()));
    }
    return new SeenHeaders(headers, own);
  }
}
