package dev.comity.agent;

import dev.comity.agent.participation.Agent;
import dev.comity.agent.participation.AgentStatus;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;
import java.time.Instant;
import java.util.Locale;
import java.util.function.ToDoubleFunction;
import org.springframework.stereotype.Component;

/// What the status says, as numbers for the site's own monitoring. Nothing here depends on data.
@Component
final class AgentMetrics implements MeterBinder {
  private final Agent agent;

  AgentMetrics(Agent agent) {
    this.agent = agent;
  }

  @Override
  public void bindTo(MeterRegistry registry) {
    gauge(
        registry,
        "comity.agent.connected",
        "1 while the last call to the aggregator succeeded",
        status -> status.connected() ? 1 : 0);
    gauge(
        registry,
        "comity.agent.active",
        "1 while the consortium lists this site",
        status -> status.state() == AgentStatus.State.ACTIVE ? 1 : 0);
    gauge(
        registry,
        "comity.agent.problem",
        "1 while something is wrong, see the status",
        status -> status.problem() == null ? 0 : 1);
    gauge(
        registry,
        "comity.agent.audit.alarm",
        "1 while an alarm of the audit log stands",
        status -> status.auditAlarm() == null ? 0 : 1);
    gauge(
        registry,
        "comity.agent.audit.leaves",
        "leaves of the audit log that this site countersigned",
        AgentStatus::auditedSize);
    gauge(
        registry,
        "comity.agent.updates.in.doubt",
        "updates that wait for the proof of a session's end",
        AgentStatus::inDoubt);
    gauge(
        registry,
        "comity.agent.membership.expires",
        "when the consortium's list ends, in seconds of the Unix epoch; 0 before the first",
        status -> {
          Instant end = status.membershipExpiresAt();
          return end == null ? 0 : end.getEpochSecond();
        });
    for (AgentStatus.Phase phase : AgentStatus.Phase.values()) {
      Gauge.builder("comity.agent.rounds", agent, source -> rounds(source.status(), phase))
          .description("rounds that have not ended for this site")
          .tag("phase", phase.name().toLowerCase(Locale.ROOT))
          .register(registry);
    }
  }

  private static long rounds(AgentStatus status, AgentStatus.Phase phase) {
    return status.rounds().stream().filter(round -> round.phase() == phase).count();
  }

  private void gauge(
      MeterRegistry registry, String name, String what, ToDoubleFunction<AgentStatus> value) {
    Gauge.builder(name, agent, source -> value.applyAsDouble(source.status()))
        .description(what)
        .register(registry);
  }
}
