package dev.comity.federation.web;

import dev.comity.federation.AccountStore;
import dev.comity.plan.Digest;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.util.List;
import org.springframework.http.HttpHeaders;
import org.springframework.security.authentication.BadCredentialsException;
import org.springframework.security.authentication.UsernamePasswordAuthenticationToken;
import org.springframework.security.core.authority.SimpleGrantedAuthority;
import org.springframework.security.core.context.SecurityContextHolder;
import org.springframework.web.filter.OncePerRequestFilter;
import org.springframework.web.servlet.HandlerExceptionResolver;

/// Signs in a request by its API token, for this request alone. A token that is not known ends the
/// request: it never falls back to the cookie's authority.
final class BearerTokenFilter extends OncePerRequestFilter {
  private static final String SCHEME = "Bearer ";

  private final AccountStore accounts;
  private final Clock clock;
  private final HandlerExceptionResolver problems;

  BearerTokenFilter(AccountStore accounts, Clock clock, HandlerExceptionResolver problems) {
    this.accounts = accounts;
    this.clock = clock;
    this.problems = problems;
  }

  static boolean carriesToken(HttpServletRequest request) {
    var header = request.getHeader(HttpHeaders.AUTHORIZATION);
    return header != null && header.regionMatches(true, 0, SCHEME, 0, SCHEME.length());
  }

  static Digest hash(String token) {
    return Digest.of(token.getBytes(StandardCharsets.UTF_8));
  }

  @Override
  protected boolean shouldNotFilter(HttpServletRequest request) {
    return !carriesToken(request);
  }

  @Override
  protected boolean shouldNotFilterAsyncDispatch() {
    return false; // an event stream ends in another dispatch of the same request
  }

  @Override
  protected void doFilterInternal(
      HttpServletRequest request, HttpServletResponse response, FilterChain chain)
      throws ServletException, IOException {
    var text = request.getHeader(HttpHeaders.AUTHORIZATION).substring(SCHEME.length()).strip();
    var token = accounts.use(hash(text), clock.instant());
    if (token.isEmpty()) {
      problems.resolveException(
          request,
          response,
          null,
          new BadCredentialsException(
              "The bearer token is not known, was revoked or has expired; make a new one with POST"
                  + " /api/v1/tokens."));
      return;
    }
    var context = SecurityContextHolder.createEmptyContext();
    context.setAuthentication(
        UsernamePasswordAuthenticationToken.authenticated(
            "token:" + token.get().name(),
            null,
            List.of(new SimpleGrantedAuthority("ROLE_" + token.get().role()))));
    SecurityContextHolder.setContext(context);
    try {
      chain.doFilter(request, response);
    } finally {
      SecurityContextHolder.clearContext();
    }
  }
}
