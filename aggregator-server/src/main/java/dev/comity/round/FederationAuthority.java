package dev.comity.round;

import dev.comity.membership.MembershipEpoch;
import dev.comity.membership.MessageKey;
import dev.comity.membership.MessagePublicKey;
import dev.comity.membership.SignedMembership;
import dev.comity.plan.Digest;
import dev.comity.plan.FederationId;
import java.util.Optional;

/// What rounds need to know of the federation that this aggregator serves.
public interface FederationAuthority {

  FederationId federation();

  /// Grows when the database is restored from a backup; sessions of an older epoch are refused by
  /// the sites.
  long epoch();

  /// The aggregator's message key, which signs descriptors, views and ABORT proposals.
  MessageKey messageKey();

  /// The key under which memberships are signed, once it is known.
  Optional<MessagePublicKey> consortium();

  /// The newest membership epoch; empty before the consortium signed the first.
  Optional<SignedMembership> membership();

  /// The epoch with this digest, which a session of an earlier epoch names.
  Optional<MembershipEpoch> membership(Digest digest);
}
