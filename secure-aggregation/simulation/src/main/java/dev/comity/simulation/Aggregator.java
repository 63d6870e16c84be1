package dev.comity.simulation;

import dev.comity.membership.MembershipEpoch;
import dev.comity.plan.SiteId;

/// The other end of every site's network.
interface Aggregator {
  void receive(Packet packet);

  /// The consortium published a new membership, without `revoked`.
  void revoked(SiteId revoked, MembershipEpoch next);
}
