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

/// At most [#ATTEMPTS] failed sign-ins for a name from an address within [#WINDOW].
///
/// Remembers the latest [#REMEMBERED] pairs only. Guarded by its own monitor.
final class LoginLimit {
  static final int ATTEMPTS = 5;
  static final Duration WINDOW = Duration.ofMinutes(1);
  private static final int REMEMBERED = 10_000;

  private final Clock clock;
  private final Map<String, Deque<Instant>> failures =
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

  /// How long the caller has to wait, or nothing when it may try now.
  synchronized Optional<Duration> mustWait(String username, String address) {
    var recent = failures.get(key(username, address));
    if (recent == null) {
      return Optional.empty();
    }
    var now = clock.instant();
    while (!recent.isEmpty() && !recent.getFirst().plus(WINDOW).isAfter(now)) {
      recent.removeFirst();
    }
    return recent.size() < ATTEMPTS
        ? Optional.empty()
        : Optional.of(Duration.between(now, recent.getFirst().plus(WINDOW)));
  }

  synchronized void failed(String username, String address) {
    failures
        .computeIfAbsent(key(username, address), _ -> new ArrayDeque<>())
        .addLast(clock.instant());
  }

  synchronized void succeeded(String username, String address) {
    failures.remove(key(username, address));
  }

  private static String key(String username, String address) {
    return username.toLowerCase(Locale.ROOT) + '\n' + address;
  }
}
