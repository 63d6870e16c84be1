package dev.comity.session;

import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;

/// What may happen to a session on the aggregator. Stored in order, folded in order.
public sealed interface SessionEvent {

  /// A site's signed message arrived.
  record MessageReceived(SignedMessage message) implements SessionEvent {}

  /// A site's masked vector lies complete, of the exact length and fsynced in the spool.
  /// `chunkRoot` is the root of the stored bytes; the site's header must have come before.
  record MaskedInputStored(SiteId site, Digest chunkRoot) implements SessionEvent {}

  /// The live deadline of a phase passed: ADVERTISE_KEYS, SHARE_KEYS or MASKED_INPUT.
  record PhaseDeadlinePassed(SignedMessage.Phase phase) implements SessionEvent {}

  /// The run was cancelled or its round abandoned.
  record Cancelled(String reason) implements SessionEvent {}

  /// The consortium revoked a member.
  record MemberRevoked(SiteId site) implements SessionEvent {}
}
