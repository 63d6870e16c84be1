package dev.comity.round;

import dev.comity.plan.SiteId;
import java.time.Instant;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// What can happen to a round.
public sealed interface RoundEvent {
  /// The site's policy permits the plan; it trains from now on.
  record SitePermitted(SiteId site) implements RoundEvent {}

  /// The site's policy refuses the plan, or the site could not train.
  record SiteRefused(SiteId site, String reason) implements RoundEvent {}

  /// The site is `tenths` of the way through its training.
  record SiteProgressed(SiteId site, int tenths) implements RoundEvent {}

  /// The site's resource gate closed, until `expectedUntil` where the site knows it.
  record SitePaused(SiteId site, String reason, @Nullable Instant expectedUntil)
      implements RoundEvent {}

  /// The site holds a finished update, of part of the work if `partial`.
  record SiteReady(SiteId site, boolean partial) implements RoundEvent {}

  /// The site called after it had been lost.
  record SiteSeen(SiteId site) implements RoundEvent {}

  /// Nothing was heard from the site for longer than the silence limit.
  record SiteSilent(SiteId site) implements RoundEvent {}

  /// The session that kept the site out of this round ended with proof.
  record DoubtResolved(SiteId site) implements RoundEvent {}

  /// Nothing moved for as long as the plan's silence limit.
  record SilenceLimitPassed() implements RoundEvent {}

  /// The round has lasted as long as the plan allows.
  record HardLimitPassed() implements RoundEvent {}

  /// A session began over `roster`.
  record SessionOpened(Set<SiteId> roster) implements RoundEvent {
    public SessionOpened {
      roster = Set.copyOf(roster);
    }
  }

  /// The session asked for masked vectors: from here on only a certificate settles its end.
  record SessionExposed() implements RoundEvent {}

  /// The session has a COMMIT certificate over `survivors`.
  record SessionCertified(Set<SiteId> survivors) implements RoundEvent {
    public SessionCertified {
      survivors = Set.copyOf(survivors);
    }
  }

  /// The session ended with proof that no sum of it can exist.
  record SessionAborted(String reason) implements RoundEvent {}

  /// The sum is unmasked, checked and stored.
  record SumCommitted() implements RoundEvent {}

  /// The unmasked sum failed a check, or cannot be unmasked.
  record SumRejected(String reason) implements RoundEvent {}

  /// The run ended under the round.
  record RunEnded(String reason) implements RoundEvent {}
}
