package dev.comity.federation.web;

import org.springframework.beans.factory.annotation.Value;
import org.springframework.context.event.EventListener;
import org.springframework.core.env.Environment;
import org.springframework.grpc.server.lifecycle.GrpcServerStartedEvent;
import org.springframework.stereotype.Component;

/// Where others reach this aggregator, once its ports are open.
@Component
class Addresses {
  private final Environment environment;
  private final String host;
  private volatile int grpcPort;

  Addresses(
      Environment environment,
      @Value("${comity.advertised-host:localhost}") String host,
      @Value("${spring.grpc.server.port}") int configuredGrpcPort) {
    this.environment = environment;
    this.host = host;
    this.grpcPort = configuredGrpcPort;
  }

  @EventListener
  void started(GrpcServerStartedEvent event) {
    grpcPort = event.getPort(); // differs from the configured one when that is 0
  }

  String rest() {
    return "https://" + host + ":" + environment.getRequiredProperty("local.server.port");
  }

  String grpc() {
    return "https://" + host + ":" + grpcPort;
  }
}
