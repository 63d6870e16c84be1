package dev.comity.session;

import dev.comity.codec.Bytes;
import dev.comity.codec.CborReader;
import dev.comity.codec.CborWriter;
import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/// What the view of P3 shows one site: U2, the commitments of the dealers that it has to do with,
/// and from each the delivery for this site with its Merkle path.
record ReceivedShares(
    Peers peers,
    SiteId self,
    Seen shares,
    SortedMap<SiteId, SignedMessage> messages,
    SortedMap<SiteId, Proven> deliveries,
    Optional<Board.Excerpt> onRing) {

  /// A delivery and the siblings of its leaf.
  record Proven(Delivery delivery, List<Digest> path) {
    Proven {
      path = List.copyOf(path);
    }
  }

  private record FromDealer(SiteId dealer, Proven proven) {}

  /// Verifies the dealers' signatures and that there is one delivery from each.
  static ReceivedShares read(Peers peers, SiteId self, CborReader in) {
    return switch (peers) {
      case KeyList keys -> {
        ShareList all = ShareList.fromCbor(keys, in);
        yield read(
            peers,
            self,
            new Seen(PlaceSet.of(keys.roster(), all.messages().keySet()), all.h2()),
            all.messages(),
            Optional.empty(),
            in);
      }
      case NeighbourKeys neighbours -> {
        Board.Excerpt shown = onRing(neighbours, in);
        Digest h2 = Chain.posted(Labels.H2, peers.h1(), shown.places(), shown.root());
        yield read(
            peers, self, new Seen(shown.places(), h2), shown.messages(), Optional.of(shown), in);
      }
    };
  }

  private static ReceivedShares read(
      Peers peers,
      SiteId self,
      Seen shares,
      SortedMap<SiteId, SignedMessage> messages,
      Optional<Board.Excerpt> onRing,
      CborReader in) {
    SortedMap<SiteId, Proven> deliveries = new TreeMap<>();
    for (FromDealer each : in.maps("deliveries", ReceivedShares::fromCbor)) {
      if (deliveries.putIfAbsent(each.dealer(), each.proven()) != null) {
        throw new IllegalArgumentException("two deliveries of " + each.dealer());
      }
    }
    Set<SiteId> dealers = new HashSet<>(messages.keySet());
    if (onRing.isPresent()) {
      dealers.remove(self); // to itself a site on a ring deals nothing
    }
    if (!deliveries.keySet().equals(dealers)) {
      throw new IllegalArgumentException("deliveries: must be one of each dealer shown");
    }
    return new ReceivedShares(peers, self, shares, messages, deliveries, onRing);
  }

  /// U2 on a ring: at least m of U1, each with enough neighbours in it.
  private static Board.Excerpt onRing(NeighbourKeys peers, CborReader in) {
    Roster roster = peers.roster();
    Board.Excerpt shown =
        Board.Excerpt.read(
            in, roster, SignedMessage.Phase.SHARE_KEYS, ShareDeliveries.MOST_COMMITMENT_BYTES);
    roster.requireSurvivors("sites dealt shares", shown.places().size());
    if (!shown.places().within(peers.places()) || !peers.connected(shown.places())) {
      throw new SessionRefusal(
          SessionRefusal.Reason.INCONSISTENT_VIEW,
          "sites that dealt shares: each must have advertised keys and keep %d neighbours among them"
              .formatted(peers.shareThreshold()));
    }
    shown.requireMessagesOf(roster, peers.neighbourhood());
    roster.verifyAll(shown.messages().values(), peers.h1());
    return shown;
  }

  /// What `read` reads.
  CborWriter toCbor() {
    return onRing
        .map(Board.Excerpt::toCbor)
        .orElseGet(() -> KeyList.messagesToCbor(messages.values()))
        .maps(
            "deliveries",
            deliveries.entrySet(),
            entry -> toCbor(entry.getKey(), entry.getValue().delivery(), entry.getValue().path()));
  }

  static CborWriter toCbor(SiteId dealer, Delivery delivery, List<Digest> path) {
    return delivery
        .toCbor()
        .text("dealer", dealer.value())
        .byteStrings("path", path.stream().map(digest -> Bytes.of(digest.bytes())).toList());
  }

  private static FromDealer fromCbor(CborReader in) {
    return new FromDealer(
        new SiteId(in.text("dealer")),
        new Proven(
            Delivery.fromCbor(in),
            in.byteStrings("path", 32).stream()
                .map((Bytes bytes) -> Digest.ofValue(bytes))
                .toList()));
  }

  /// This site's own message, if it is shown.
  Optional<SignedMessage> own() {
    return Optional.ofNullable(messages.get(self));
  }

  /// How many other dealers have a share for this site.
  int others() {
    return messages.size() - 1;
  }

  /// The shares of every other dealer that open and are the ones that the dealer committed to.
  Map<SiteId, Secrets.SharePair> open(Secrets secrets) {
    Map<SiteId, Secrets.SharePair> opened = new HashMap<>();
    deliveries.forEach((dealer, proven) -> {
      if (!dealer.equals(self) && committed(dealer, proven)) {
        Optional<Secrets.SharePair> pair = secrets.open(peers, dealer, self, proven.delivery());
        pair.ifPresent(found -> opened.put(dealer, found));
      }
    });
    return opened;
  }

  private boolean committed(SiteId dealer, Proven proven) {
    Roster roster = peers.roster();
    SignedMessage message = messages.get(dealer);
    return message != null
        && proven.delivery().receiver().equals(self)
        && MerkleTree.leads(
            proven.delivery().leaf(roster.session(), roster.index(dealer), roster.index(self)),
            peers.slot(dealer, self),
            leaves(),
            proven.path(),
            ShareDeliveries.root(message.body().toByteArray()));
  }

  /// Each dealer has as many receivers as this site.
  private int leaves() {
    return peers.receivers(self).length;
  }
}
