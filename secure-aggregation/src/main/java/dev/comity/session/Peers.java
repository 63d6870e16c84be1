package dev.comity.session;

import dev.comity.codec.Bytes;
import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;

/// P1 as one party of the session knows it: the keys of those whom it has to do with, and who
/// shares with whom. Sites are their places in the roster where a number stands for one.
sealed interface Peers permits KeyList, NeighbourKeys {
  Roster roster();

  Digest h1();

  /// U1.
  PlaceSet places();

  /// Canonical.
  Bytes maskKey(SiteId site);

  /// Canonical.
  Bytes channelKey(SiteId site);

  /// How many shares give a secret back.
  int shareThreshold();

  /// More undecryptable shares than this are refused.
  int mostMissing();

  /// To whom `dealer` deals, in the order of its Merkle leaves. On the complete graph this is all
  /// of U1, the dealer included.
  int[] receivers(SiteId dealer);

  /// The leaf of `receiver` in the tree of `dealer`. Fails with `SessionRefusal` when it has none.
  int slot(SiteId dealer, SiteId receiver);

  /// Whether each of `sites` keeps enough partners among them.
  boolean connected(PlaceSet sites);
}
