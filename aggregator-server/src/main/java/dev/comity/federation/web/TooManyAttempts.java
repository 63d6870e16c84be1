package dev.comity.federation.web;

import java.time.Duration;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.ProblemDetail;
import org.springframework.web.ErrorResponseException;

/// Too many sign-ins that did not succeed, or too many at once; the answer says when to come again.
final class TooManyAttempts extends ErrorResponseException {
  private static final long serialVersionUID = 1;

  TooManyAttempts(Duration wait) {
    super(HttpStatus.TOO_MANY_REQUESTS, problem(wait), null);
    getHeaders().set(HttpHeaders.RETRY_AFTER, Long.toString(wait.toSeconds() + 1));
  }

  private static ProblemDetail problem(Duration wait) {
    return ProblemDetail.forStatusAndDetail(
        HttpStatus.TOO_MANY_REQUESTS,
        "More than %d sign-ins for a name or %d from an address within %d s, or too many at once; try again in %d s."
            .formatted(
                LoginLimit.ATTEMPTS,
                LoginLimit.FROM_ADDRESS,
                LoginLimit.WINDOW.toSeconds(),
                wait.toSeconds() + 1));
  }
}
