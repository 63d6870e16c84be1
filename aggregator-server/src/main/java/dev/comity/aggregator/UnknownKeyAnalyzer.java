package dev.comity.aggregator;

import java.util.stream.Collectors;
import org.springframework.boot.context.properties.bind.UnboundConfigurationPropertiesException;
import org.springframework.boot.context.properties.source.ConfigurationProperty;
import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;

/// Names unknown keys and where they stand; never their values, which may be secret.
@Order(Ordered.HIGHEST_PRECEDENCE)
final class UnknownKeyAnalyzer
    extends AbstractFailureAnalyzer<UnboundConfigurationPropertiesException> {

  @Override
  protected FailureAnalysis analyze(
      Throwable rootFailure, UnboundConfigurationPropertiesException cause) {
    return new FailureAnalysis(
        cause.getUnboundProperties().stream()
            .map(UnknownKeyAnalyzer::sentence)
            .collect(Collectors.joining(System.lineSeparator())),
        "Remove or correct it. Known keys: comity.federation, comity.consortium-key,"
            + " comity.data-dir, comity.database, comity.federation-epoch, comity.rest.port,"
            + " comity.grpc.port, comity.bind, comity.advertised-host.",
        cause);
  }

  private static String sentence(ConfigurationProperty property) {
    return "Unknown configuration key "
        + property.getName()
        + (property.getOrigin() == null ? "" : " in " + property.getOrigin());
  }
}
