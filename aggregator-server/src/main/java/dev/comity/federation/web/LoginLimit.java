package dev.comity.federation.web;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/// At most [#ATTEMPTS] sign-ins for a name from an address within [#WINDOW], and at most
/// [#FROM_ADDRESS] from an address, whatever the names. An attempt counts from its beginning, so
/// that attempts at the same time cannot slip past; one that succeeds no longer counts.
///
/// Remembers the latest [#REMEMBERED] keys only. Guarded by its own monitor.
final class LoginLimit {
  static final int ATTEMPTS = 5;
  static final int FROM_ADDRESS = 30;
  static final Duration WINDOW = Duration.ofMinutes(1);
  private static final int REMEMBERED = 10_000;

  private final Clock clock;
  private final Map<String, Deque<Instant>> attempts =
      new LinkedHashMap<>(64, 0.75f, true) {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Deque<Instant>> eldest) {
          return size() > REMEMBERED;
        }
      };

  LoginLimit(Clock clock) {
    this.clock = clock;
  }

  /// Counts an attempt and gives nothing, or counts none and says how long the caller has to wait.
  synchronized Optional<Duration> attempt(String username, String address) {
    var now = clock.instant();
    var wait =
        wait(key(username, address), ATTEMPTS, now).or(() -> wait(address, FROM_ADDRESS, now));
    if (wait.isEmpty()) {
      count(key(username, address), now);
      count(address, now);
    }
    return wait;
  }

  private Optional<Duration> wait(String key, int most, Instant now) {
    var recent = attempts.get(key);
    if (recent == null) {
      return Optional.empty();
    }
    while (!recent.isEmpty() && !recent.getFirst().plus(WINDOW).isAfter(now)) {
      recent.removeFirst();
    }
    return recent.size() < most
        ? Optional.empty()
        : Optional.of(Duration.between(now, recent.getFirst().plus(WINDOW)));
  }

  private void count(String key, Instant now) {
    attempts.computeIfAbsent(key, _ -> new ArrayDeque<>()).addLast(now);
  }

  synchronized void succeeded(String username, String address) {
    attempts.remove(key(username, address));
    var ofAddress = attempts.get(address);
    if (ofAddress != null) {
      ofAddress.pollLast();
    }
  }

  private static String key(String username, String address) {
    return username.toLowerCase(Locale.ROOT) + '\n' + address;
  }
}
