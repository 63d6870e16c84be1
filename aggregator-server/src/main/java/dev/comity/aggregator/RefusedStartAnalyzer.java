package dev.comity.aggregator;

import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;

/// Prints a refused start as two sentences instead of a stack trace.
final class RefusedStartAnalyzer extends AbstractFailureAnalyzer<RefusedStart> {

  @Override
  protected FailureAnalysis analyze(Throwable rootFailure, RefusedStart cause) {
    return new FailureAnalysis(String.valueOf(cause.getMessage()), cause.remedy(), cause);
  }
}
