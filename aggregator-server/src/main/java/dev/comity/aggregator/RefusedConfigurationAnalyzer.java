package dev.comity.aggregator;

import dev.comity.federation.RefusedConfiguration;
import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;

/// Prints a refused configuration as two sentences instead of a stack trace.
final class RefusedConfigurationAnalyzer extends AbstractFailureAnalyzer<RefusedConfiguration> {

  @Override
  protected FailureAnalysis analyze(Throwable rootFailure, RefusedConfiguration cause) {
    return new FailureAnalysis(String.valueOf(cause.getMessage()), cause.remedy(), cause);
  }
}
