package dev.comity.agent;

import dev.comity.agent.participation.Agent;
import dev.comity.agent.participation.AgentStatus;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/// The status page: read-only, on loopback.
@RestController
class StatusController {
  private final Agent agent;

  StatusController(Agent agent) {
    this.agent = agent;
  }

  /// For a browser: the same as [#status], without script.
  @GetMapping(path = "/", produces = MediaType.TEXT_HTML_VALUE + ";charset=UTF-8")
  String page() {
    return StatusPage.of(agent.status());
  }

  @GetMapping("/status")
  AgentStatus status() {
    return agent.status();
  }

  /// Answers as soon as the agent runs, whatever the aggregator does.
  @GetMapping("/health")
  Health health() {
    return new Health("UP");
  }

  record Health(String status) {}
}
