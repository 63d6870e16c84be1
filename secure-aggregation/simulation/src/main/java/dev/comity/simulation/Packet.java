package dev.comity.simulation;

import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import dev.comity.session.SignedMessage;
import dev.comity.session.SignedView;
import dev.comity.update.MaskedUpdate;
import java.util.List;
import java.util.Optional;

/// What travels between a site and the aggregator. Packets may be lost, late, doubled and out of
/// order; whoever waits asks again.
sealed interface Packet {

  /// A site asks what it owes, and names the sessions that hold its updates.
  record Hello(SiteId site, List<Digest> open) implements Packet {}

  /// A site's message, in reply to what it was shown.
  record Said(SignedMessage message, Claim shown) implements Packet {}

  /// A site's masked vector.
  record Uploaded(Digest session, SiteId site, MaskedUpdate vector) implements Packet {}

  /// The aggregator shows a site a view.
  record Shown(SignedView.Kind kind, byte[] view, Claim claim) implements Packet {}

  /// The aggregator tells how a session ended: by this certificate, or before anybody could have
  /// sent a masked input.
  record Ended(Digest session, Optional<byte[]> certificate) implements Packet {}
}
