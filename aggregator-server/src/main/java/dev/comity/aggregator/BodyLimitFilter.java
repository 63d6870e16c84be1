package dev.comity.aggregator;

import jakarta.servlet.FilterChain;
import jakarta.servlet.ReadListener;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletInputStream;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletRequestWrapper;
import jakarta.servlet.http.HttpServletResponse;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import org.springframework.beans.factory.annotation.Qualifier;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.http.HttpStatus;
import org.springframework.stereotype.Component;
import org.springframework.web.filter.OncePerRequestFilter;
import org.springframework.web.server.ResponseStatusException;
import org.springframework.web.servlet.HandlerExceptionResolver;

/// Refuses a body that is too long before it is held in memory: at once where its length is
/// announced, else at the first byte too many.
@Component
@Order(Ordered.HIGHEST_PRECEDENCE + 1) // after the trace id, before anything reads the body
final class BodyLimitFilter extends OncePerRequestFilter {
  static final int OPEN = 64 << 10;
  static final int MOST = 1 << 20;

  /// Paths that take a body from anybody.
  private static final Set<String> OPEN_PATHS = Set.of("/api/v1/session", "/api/v1/enrolments");

  private final HandlerExceptionResolver problems;

  BodyLimitFilter(@Qualifier("handlerExceptionResolver") HandlerExceptionResolver problems) {
    this.problems = problems;
  }

  @Override
  protected void doFilterInternal(
      HttpServletRequest request, HttpServletResponse response, FilterChain chain)
      throws ServletException, IOException {
    var most = OPEN_PATHS.contains(request.getRequestURI()) ? OPEN : MOST;
    if (request.getContentLengthLong() > most) {
      problems.resolveException(request, response, null, tooLong(most));
      return;
    }
    chain.doFilter(new Limited(request, most), response);
  }

  private static ResponseStatusException tooLong(int most) {
    return new ResponseStatusException(
        HttpStatus.CONTENT_TOO_LARGE, "The body has at most %d bytes here.".formatted(most));
  }

  private static final class Limited extends HttpServletRequestWrapper {
    private final int most;

    Limited(HttpServletRequest request, int most) {
      super(request);
      this.most = most;
    }

    @Override
    public ServletInputStream getInputStream() throws IOException {
      return new LimitedStream(super.getInputStream(), most);
    }

    @Override
    public BufferedReader getReader() throws IOException {
      return new BufferedReader(new InputStreamReader(getInputStream(), StandardCharsets.UTF_8));
    }
  }

  private static final class LimitedStream extends ServletInputStream {
    private final ServletInputStream body;
    private final int most;
    private int seen;

    LimitedStream(ServletInputStream body, int most) {
      this.body = body;
      this.most = most;
    }

    @Override
    public int read() throws IOException {
      var value = body.read();
      count(value < 0 ? 0 : 1);
      return value;
    }

    @Override
    public int read(byte[] into, int offset, int length) throws IOException {
      var count = body.read(into, offset, length);
      count(Math.max(count, 0));
      return count;
    }

    private void count(int read) {
      seen += read;
      if (seen > most) {
        throw tooLong(most);
      }
    }

    @Override
    public boolean isFinished() {
      return body.isFinished();
    }

    @Override
    public boolean isReady() {
      return body.isReady();
    }

    @Override
    public void setReadListener(ReadListener listener) {
      body.setReadListener(listener);
    }
  }
}
