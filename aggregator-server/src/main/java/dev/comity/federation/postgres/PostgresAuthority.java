package dev.comity.federation.postgres;

import dev.comity.federation.ConsortiumKey;
import dev.comity.federation.FederationStore;
import dev.comity.federation.Memberships;
import dev.comity.membership.MembershipEpoch;
import dev.comity.membership.MessageKey;
import dev.comity.membership.MessagePublicKey;
import dev.comity.membership.SignedMembership;
import dev.comity.plan.Digest;
import dev.comity.plan.FederationId;
import dev.comity.round.FederationAuthority;
import java.time.Clock;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.stereotype.Component;

/// What the rounds see of the federation.
@Component
final class PostgresAuthority implements FederationAuthority {
  private final FederationId federation;
  private final MessageKey key;
  private final Memberships memberships;
  private final ConsortiumKey consortium;
  private final long epoch;

  PostgresAuthority(
      FederationId federation,
      MessageKey key,
      Memberships memberships,
      ConsortiumKey consortium,
      FederationStore store,
      Clock clock,
      @Value("${comity.federation-epoch:#{null}}") @Nullable Long raisedTo) {
    this.federation = federation;
    this.key = key;
    this.memberships = memberships;
    this.consortium = consortium;
    var stored = store.open(federation, clock.instant());
    if (raisedTo != null) {
      store.raiseEpoch(raisedTo);
    }
    this.epoch = raisedTo == null ? stored : raisedTo;
  }

  @Override
  public FederationId federation() {
    return federation;
  }

  @Override
  public long epoch() {
    return epoch;
  }

  @Override
  public MessageKey messageKey() {
    return key;
  }

  @Override
  public Optional<MessagePublicKey> consortium() {
    return consortium.key();
  }

  @Override
  public Optional<SignedMembership> membership() {
    return memberships.current();
  }

  @Override
  public Optional<MembershipEpoch> membership(Digest digest) {
    return memberships.find(digest).map(memberships::read);
  }
}
