package dev.comity.session;

import dev.comity.codec.Bytes;
import dev.comity.codec.CborReader;
import dev.comity.codec.CborWriter;
import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/// What the view of P3 shows one site: U2, and from each dealer the delivery for this site with its
/// Merkle path.
record ReceivedShares(ShareList shares, SiteId self, SortedMap<SiteId, Proven> deliveries) {

  /// A delivery and the siblings of its leaf.
  record Proven(Delivery delivery, List<Digest> path) {
    Proven {
      path = List.copyOf(path);
    }
  }

  private record FromDealer(SiteId dealer, Proven proven) {}

  /// Verifies the dealers' signatures and that there is one delivery from each.
  static ReceivedShares read(KeyList keys, SiteId self, CborReader in) {
    ShareList shares = ShareList.fromCbor(keys, in);
    SortedMap<SiteId, Proven> deliveries = new TreeMap<>();
    for (FromDealer each : in.maps("deliveries", ReceivedShares::fromCbor)) {
      if (deliveries.putIfAbsent(each.dealer(), each.proven()) != null) {
        throw new IllegalArgumentException("two deliveries of " + each.dealer());
      }
    }
    if (!deliveries.keySet().equals(shares.messages().keySet())) {
      throw new IllegalArgumentException("deliveries: must be one of each dealer shown");
    }
    return new ReceivedShares(shares, self, deliveries);
  }

  /// What `read` reads.
  CborWriter toCbor() {
    return shares
        .toCbor()
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

  /// The shares of every other dealer that open and are the ones that the dealer committed to.
  Map<SiteId, Secrets.SharePair> open(Secrets secrets) {
    Map<SiteId, Secrets.SharePair> opened = new HashMap<>();
    deliveries.forEach((dealer, proven) -> {
      if (!dealer.equals(self) && committed(dealer, proven)) {
        Optional<Secrets.SharePair> pair =
            secrets.open(shares.keys(), dealer, self, proven.delivery());
        pair.ifPresent(found -> opened.put(dealer, found));
      }
    });
    return opened;
  }

  private boolean committed(SiteId dealer, Proven proven) {
    KeyList keys = shares.keys();
    Roster roster = keys.roster();
    return proven.delivery().receiver().equals(self)
        && MerkleTree.leads(
            proven.delivery().leaf(roster.session(), roster.index(dealer), roster.index(self)),
            keys.place(self),
            keys.sites().size(),
            proven.path(),
            shares.root(dealer));
  }
}
