package dev.comity.agent;

import dev.comity.agent.participation.Agent;
import dev.comity.agent.participation.SiteDirectory;
import dev.comity.agent.protection.DurableFile;
import io.grpc.ClientInterceptor;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.web.server.context.WebServerInitializedEvent;
import org.springframework.context.ApplicationListener;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/// The beans of a running agent.
@Configuration(proxyBeanMethods = false)
class AgentConfiguration {

  @Bean
  SiteDirectory siteDirectory(@Value("${comity.agent.directory}") String directory) {
    return new SiteDirectory(Path.of(directory));
  }

  @Bean
  Agent agent(SiteDirectory directory, ObjectProvider<ClientInterceptor> interceptors) {
    return Agent.open(directory, Clock.systemUTC(), interceptors.orderedStream().toList());
  }

  /// Once the status page answers, writes its port and lets the agent take part.
  @Bean
  ApplicationListener<WebServerInitializedEvent> start(SiteDirectory directory, Agent agent) {
    return event -> {
      new DurableFile(directory.statusPort())
          .write(
              Integer.toString(event.getWebServer().getPort())
                  .getBytes(StandardCharsets.US_ASCII));
      Thread.ofVirtual().name("participation").start(agent::run);
    };
  }
}
