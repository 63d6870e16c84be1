package dev.comity.round;

import dev.comity.membership.MembershipEpoch;
import dev.comity.membership.MessageKey;
import dev.comity.membership.MessagePublicKey;
import dev.comity.membership.SignedMembership;
import dev.comity.plan.Digest;
import dev.comity.plan.FederationId;
import java.util.Optional;
import java.util.Set;

/// What rounds need to know of the federation that this aggregator serves.
public interface FederationAuthority {

  FederationId federation();

  /// Grows when the database is restored from a backup; sessions of an older epoch are refused by
  /// the sites.
  long epoch();

  /// The aggregator's message key, which the newest membership epoch names; it signs audit heads.
  MessageKey messageKey();

  /// The message key that the epoch with this digest names: it signs descriptors, views and ABORT
  /// proposals of the sessions under that epoch. Empty once it was replaced and erased.
  Optional<MessageKey> messageKey(Digest membership);

  /// Whether there are replaced message keys that were not erased yet.
  boolean holdsFormerKeys();

  /// Erases the replaced message keys but those that the epochs with these digests name.
  void eraseFormerKeys(Set<Digest> inUse);

  /// The key under which memberships are signed, once it is known.
  Optional<MessagePublicKey> consortium();

  /// The newest membership epoch; empty before the consortium signed the first.
  Optional<SignedMembership> membership();

  /// The epoch with this digest, which a session of an earlier epoch names.
  Optional<MembershipEpoch> membership(Digest digest);
}
