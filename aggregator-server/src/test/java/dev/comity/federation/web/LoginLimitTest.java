package dev.comity.federation.web;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import org.junit.jupiter.api.Test;

class LoginLimitTest {
  private static final Instant NOON = Instant.parse("2026-01-01T12:00:00Z");

  private final LoginLimit limit = new LoginLimit(Clock.fixed(NOON, ZoneOffset.UTC));

  @Test
  void attemptsCountBeforeTheirOutcomeIsKnown() {
    for (int attempt = 0; attempt < LoginLimit.ATTEMPTS; attempt++) {
      assertThat(limit.attempt("ada", "192.0.2.1")).isEmpty();
    }

    assertThat(limit.attempt("Ada", "192.0.2.1")).contains(Duration.ofMinutes(1));
    assertThat(limit.attempt("ada", "192.0.2.2")).isEmpty();
  }

  @Test
  void anAddressThatTriesManyNamesMustWait() {
    for (int attempt = 0; attempt < LoginLimit.FROM_ADDRESS; attempt++) {
      assertThat(limit.attempt("name" + attempt, "192.0.2.1")).isEmpty();
    }

    assertThat(limit.attempt("ada", "192.0.2.1")).isPresent();
    assertThat(limit.attempt("ada", "192.0.2.2")).isEmpty();
  }

  @Test
  void signInsThatSucceedDoNotCount() {
    for (int attempt = 0; attempt < 2 * LoginLimit.FROM_ADDRESS; attempt++) {
      assertThat(limit.attempt("ada", "192.0.2.1")).isEmpty();
      limit.succeeded("ada", "192.0.2.1");
    }
  }
}
