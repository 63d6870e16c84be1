package dev.comity.agent.participation;

import dev.comity.agent.resources.Decision;
import dev.comity.agent.resources.GateStatus;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
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
/// @param resources what the site's power, temperature and hours allow
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
    Resources resources,
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

  /// What the resource gate allows, and on what grounds.
  ///
  /// @param decision `RUN`, `THROTTLE`, `PAUSE` or `DRAIN`
  /// @param dutyCycle share of the time that training may take; 1 unless it is throttled
  /// @param since when a decision of this kind was taken
  /// @param nextWindow when a milder one is expected; null where nobody knows
  /// @param reasons why each rule that holds does, with its reading
  /// @param signals all that the rules look at
  public record Resources(
      String decision,
      double dutyCycle,
      Instant since,
      @Nullable Instant nextWindow,
      List<String> reasons,
      List<Signal> signals) {
    public Resources {
      reasons = List.copyOf(reasons);
      signals = List.copyOf(signals);
    }

    static Resources of(GateStatus status) {
      Decision decision = status.decision();
      return new Resources(
          decision.getClass().getSimpleName().toUpperCase(Locale.ROOT),
          decision instanceof Decision.Throttle throttle ? throttle.dutyCycle() : 1,
          status.since(),
          decision.nextWindow().orElse(null),
          status.details(),
          status.signals().stream()
              .map(signal ->
                  new Signal(
                      signal.name(),
                      signal.value().isPresent() ? signal.value().getAsDouble() : null,
                      signal.stale()))
              .toList());
    }
  }

  /// A signal of the resource gate.
  ///
  /// @param value the last known; null before the first
  /// @param stale whether it counts as the worst because it is too old or was never had
  public record Signal(String name, @Nullable Double value, boolean stale) {}

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
    /// The resource gate holds its training.
    PAUSED,
    READY,
    IN_SESSION,
    IN_DOUBT,
    FAILED
  }
}
