package dev.comity.agent;

import dev.comity.agent.participation.Agent;
import dev.comity.agent.participation.SiteDirectory;
import dev.comity.agent.protection.DurableFile;
import java.nio.charset.StandardCharsets;
import org.springframework.boot.web.server.context.WebServerInitializedEvent;
import org.springframework.context.ApplicationListener;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/// Starts the agent once its status page answers.
@Configuration(proxyBeanMethods = false)
class AgentConfiguration {

  /// Writes the port of the status page, then lets the agent take part.
  @Bean
  ApplicationListener<WebServerInitializedEvent> start(SiteDirectory directory, Agent agent) {
    return event -> {
      new DurableFile(directory.statusPort())
          .write(
              Integer.toString(event.getWebServer().getPort()).getBytes(StandardCharsets.US_ASCII));
      Thread.ofVirtual().name("participation").start(agent::run);
    };
  }
}
