package dev.comity.agent.participation;

import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// What a site's own people see of their agent. Nothing here is sent to anybody.
///
/// @param fingerprint of the message key, as the consortium compares it
/// @param state the site's place in the federation
/// @param connected whether the last call to the aggregator succeeded
/// @param since when `connected` last changed
/// @param problem the last thing that went wrong and still stands, for a person
/// @param membershipVersion 0 before the first
/// @param membershipExpiresAt until when the consortium's list holds; null before the first
/// @param auditedSize leaves of the audit log under the last head that this site countersigned
/// @param auditAlarm what was wrong with the log, until a person has dealt with it
/// @param inDoubt how many updates wait for the proof of a session's end
public record AgentStatus(
    String federation,
    String site,
    String fingerprint,
    State state,
    boolean connected,
    Instant since,
    @Nullable String problem,
    long membershipVersion,
    @Nullable Instant membershipExpiresAt,
    int inDoubt,
    long auditedSize,
    @Nullable String auditAlarm,
    List<Round> rounds) {
  public AgentStatus {
    rounds = List.copyOf(rounds);
  }

  /// A site's place in its federation.
  public enum State {
    /// Not heard from the aggregator since the agent started.
    UNKNOWN,
    /// Enrolled, not yet listed by the consortium.
    PENDING,
    ACTIVE,
    REVOKED
  }

  /// A round that has not ended for this site.
  ///
  /// @param tenths progress of training, 0 to 10
  /// @param reason why the site refused or failed
  public record Round(String run, int round, Phase phase, int tenths, @Nullable String reason) {}

  /// Where this site stands in a round.
  public enum Phase {
    OFFERED,
    /// An officer of this site has not decided.
    WAITS_FOR_APPROVAL,
    REFUSED,
    TRAINING,
    READY,
    IN_SESSION,
    IN_DOUBT,
    FAILED
  }
}
