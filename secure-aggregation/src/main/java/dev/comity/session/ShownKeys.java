package dev.comity.session;

import dev.comity.codec.CborReader;
import dev.comity.codec.CborWriter;
import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import java.util.HashMap;
import java.util.Map;

/// What a view of keys shows one site: the keys, its own message among them, and what those whom it
/// was shown advertised. `content` gives all of it again.
record ShownKeys(
    Peers peers, SignedMessage own, Map<SiteId, Advertisement> advertisements, CborWriter content) {
  ShownKeys {
    advertisements = Map.copyOf(advertisements);
  }

  /// Verifies everything that a site can, and every signature.
  static ShownKeys read(Roster roster, SiteId self, CborReader in) {
    return switch (roster.descriptor().graph()) {
      case SessionDescriptor.Graph.Complete _ -> complete(KeyList.fromCbor(roster, in), self);
      case SessionDescriptor.Graph.Regular regular -> NeighbourKeys.read(roster, regular, self, in);
    };
  }

  private static ShownKeys complete(KeyList keys, SiteId self) {
    SignedMessage own = keys.messages().get(self);
    if (own == null) {
      throw lacksOwn();
    }
    return new ShownKeys(keys, own, keys.advertisements(), keys.toCbor());
  }

  Map<SiteId, Long> counters() {
    Map<SiteId, Long> counters = new HashMap<>();
    advertisements.forEach((site, each) -> counters.put(site, each.counter()));
    return counters;
  }

  static SessionRefusal lacksOwn() {
    return new SessionRefusal(
        SessionRefusal.Reason.INCONSISTENT_VIEW,
        "the keys shown lack this site's own or hold others in its name");
  }

  Digest h1() {
    return peers.h1();
  }
}
