package dev.comity.aggregator;

import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.HexFormat;
import java.util.concurrent.ThreadLocalRandom;
import java.util.regex.Pattern;
import org.slf4j.MDC;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.stereotype.Component;
import org.springframework.web.filter.OncePerRequestFilter;

/// Gives each request a trace id, the caller's own if it sent a W3C `traceparent`: in the log, in
/// the header `Trace-Id` and in every problem.
@Component
@Order(Ordered.HIGHEST_PRECEDENCE)
final class TraceFilter extends OncePerRequestFilter {
  static final String ATTRIBUTE = "comity.trace";
  private static final String KEY = "trace";
  private static final Pattern PARENT =
      Pattern.compile("[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}");

  @Override
  protected void doFilterInternal(
      HttpServletRequest request, HttpServletResponse response, FilterChain chain)
      throws ServletException, IOException {
    var trace = trace(request);
    request.setAttribute(ATTRIBUTE, trace);
    response.setHeader("Trace-Id", trace);
    try (var _ = MDC.putCloseable(KEY, trace)) {
      chain.doFilter(request, response);
    }
  }

  private static String trace(HttpServletRequest request) {
    var parent = request.getHeader("traceparent");
    if (parent != null) {
      var matcher = PARENT.matcher(parent);
      if (matcher.matches()) {
        return matcher.group(1);
      }
    }
    var random = new byte[16];
    ThreadLocalRandom.current().nextBytes(random);
    return HexFormat.of().formatHex(random);
  }
}
