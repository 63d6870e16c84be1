package dev.comity.simulation;

import dev.comity.membership.MembershipEpoch;

/// The other end of every site's network.
interface Aggregator {
  void receive(Packet packet);

  /// The consortium published a new membership.
  void published(MembershipEpoch next);
}
