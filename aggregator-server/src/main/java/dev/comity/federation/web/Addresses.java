package dev.comity.federation.web;

import org.springframework.core.env.Environment;
import org.springframework.stereotype.Component;

/// Where others reach this aggregator, once its ports are open.
@Component
final class Addresses {
  private final Environment environment;

  Addresses(Environment environment) {
    this.environment = environment;
  }

  String rest() {
    return "https://" + host() + ":" + environment.getRequiredProperty("local.server.port");
  }

  /// Scheme-less, as gRPC channels take it.
  String grpc() {
    return host() + ":" + environment.getRequiredProperty("local.grpc.server.port");
  }

  private String host() {
    return environment.getProperty("comity.advertised-host", "localhost");
  }
}
