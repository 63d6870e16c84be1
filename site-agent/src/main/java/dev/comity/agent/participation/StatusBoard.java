package dev.comity.agent.participation;

import dev.comity.agent.resources.ResourceGate;
import dev.comity.plan.Digest;
import dev.comity.plan.RoundPlan;
import java.time.Clock;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Collects what [AgentStatus] shows. Thread-safe.
final class StatusBoard {
  private final String federation;
  private final String site;
  private String fingerprint;
  private final ResourceGate gate;
  private final Clock clock;
  private final Map<Digest, AgentStatus.Round> rounds = new LinkedHashMap<>();
  private AgentStatus.State state = AgentStatus.State.UNKNOWN;
  private boolean connected;
  private Instant since;
  private @Nullable String problem;
  private long membershipVersion;
  private @Nullable Instant membershipExpiresAt;
  private int inDoubt;
  private long auditedSize;
  private @Nullable String auditAlarm;

  StatusBoard(String federation, String site, String fingerprint, ResourceGate gate, Clock clock) {
    this.federation = federation;
    this.site = site;
    this.fingerprint = fingerprint;
    this.gate = gate;
    this.clock = clock;
    this.since = clock.instant();
  }

  synchronized AgentStatus snapshot() {
    return new AgentStatus(
        federation,
        site,
        fingerprint,
        state,
        connected,
        since,
        problem,
        membershipVersion,
        membershipExpiresAt,
        inDoubt,
        auditedSize,
        auditAlarm,
        AgentStatus.Resources.of(gate.status()),
        List.copyOf(rounds.values()));
  }

  synchronized void key(String now) {
    fingerprint = now;
  }

  synchronized void connected() {
    if (!connected) {
      connected = true;
      since = clock.instant();
    }
    problem = null;
  }

  synchronized void disconnected(@Nullable String why) {
    if (connected) {
      connected = false;
      since = clock.instant();
    }
    problem = why;
  }

  synchronized void problem(@Nullable String what) {
    problem = what;
  }

  synchronized void state(AgentStatus.State now) {
    state = now;
  }

  synchronized void membership(long version, Instant expiresAt) {
    membershipVersion = version;
    membershipExpiresAt = expiresAt;
  }

  synchronized void inDoubt(int updates) {
    inDoubt = updates;
  }

  synchronized void audit(long size, @Nullable String alarm) {
    auditedSize = size;
    auditAlarm = alarm;
  }

  synchronized void round(
      Digest digest, RoundPlan plan, AgentStatus.Phase phase, int tenths, @Nullable String reason) {
    rounds.put(
        digest,
        new AgentStatus.Round(plan.terms().run().toString(), plan.round(), phase, tenths, reason));
  }

  /// Whether this site has something left to do in a round that has not ended.
  synchronized boolean unfinished(Digest digest) {
    AgentStatus.Round round = rounds.get(digest);
    return round == null
        || (round.phase() != AgentStatus.Phase.REFUSED
            && round.phase() != AgentStatus.Phase.FAILED);
  }

  synchronized void ended(Digest digest) {
    rounds.remove(digest);
  }
}
