package dev.comity.round;

import dev.comity.codec.Bytes;
import dev.comity.membership.SignedMembership;
import dev.comity.plan.Digest;
import dev.comity.plan.RunId;
import dev.comity.session.SignedMessage;
import dev.comity.transparency.SignedHead;
import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/// Something that a site has to deal with. `id` is stable: a site names those it has handled,
/// across calls.
public sealed interface Assignment {

  String id();

  /// A plan to decide on and, if permitted, to train by. Both are exact document bytes.
  record RoundOffer(String id, Bytes plan, Bytes modelVersion, Duration remaining)
      implements Assignment {}

  /// The session needs the message `phase` in answer to the signed view with this digest. `abort`
  /// asks for a vote on an ABORT proposal.
  record SessionStep(
      String id,
      Digest session,
      SignedMessage.Phase phase,
      boolean abort,
      Digest view,
      @Nullable Instant deadline)
      implements Assignment {}

  /// The session is over; `certificate` is null when it ended before any masked vector.
  record SessionEnded(String id, Digest session, @Nullable Digest certificate)
      implements Assignment {}

  /// The round is committed; `modelVersion` is null for an evaluation.
  record RoundCommitted(
      String id,
      RunId run,
      int round,
      @Nullable Bytes modelVersion,
      Digest plan,
      Digest sum,
      Digest transcript)
      implements Assignment {}

  /// The round ended without a result.
  record RoundAbandoned(String id, RunId run, int round, String reason) implements Assignment {}

  /// A head of the audit log that the site has not countersigned.
  record AuditHead(String id, SignedHead head) implements Assignment {}

  /// A newer membership epoch is in force.
  record MembershipChanged(String id, SignedMembership membership) implements Assignment {}
}
