package dev.comity.round.postgres;

import dev.comity.plan.SiteId;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

/// Which sites are heard now: an open long poll, or a call a moment ago. In memory, since a restart
/// closes every connection; the silence of a site is then counted from the restart. Any thread.
@Component
final class Presence {

  /// Between two calls of a site that polls there lies much less.
  static final Duration MOMENT = Duration.ofSeconds(5);

  private static final Duration WRITE_EVERY = Duration.ofSeconds(5);

  private final Clock clock;
  private final Instant began;
  private final Map<SiteId, Heard> heard = new HashMap<>();

  private static final class Heard {
    private Instant last;
    private int calls;
    private boolean greeted;
    private @Nullable Instant written;

    Heard(Instant last) {
      this.last = last;
    }
  }

  /// What a call means beside itself: whether the site was away before, and whether its row is to
  /// be refreshed.
  record Arrival(boolean returned, boolean write) {}

  Presence(Clock clock) {
    this.clock = clock;
    this.began = clock.instant();
  }

  synchronized Arrival arrive(SiteId site) {
    var now = clock.instant();
    var known = heard.get(site);
    var returned = known == null || !present(known, now);
    var entry = heard.computeIfAbsent(site, _ -> new Heard(now));
    entry.last = now;
    entry.calls++;
    var written = entry.written;
    var write = written == null || !now.isBefore(written.plus(WRITE_EVERY));
    if (write) {
      entry.written = now;
    }
    return new Arrival(returned, write);
  }

  synchronized void leave(SiteId site) {
    var entry = heard.get(site);
    if (entry != null) {
      entry.calls--;
      entry.last = clock.instant();
    }
  }

  synchronized void greeted(SiteId site) {
    heard.computeIfAbsent(site, _ -> new Heard(clock.instant())).greeted = true;
  }

  synchronized boolean isGreeted(SiteId site) {
    var entry = heard.get(site);
    return entry != null && entry.greeted;
  }

  /// Whether a call of the site is under way or ended a moment ago.
  synchronized boolean present(SiteId site) {
    var entry = heard.get(site);
    return entry != null && present(entry, clock.instant());
  }

  /// When this process began to listen.
  Instant began() {
    return began;
  }

  /// When the site was heard last, or when this process began to listen, whichever is later.
  synchronized Instant lastHeard(SiteId site) {
    var entry = heard.get(site);
    if (entry == null) {
      return began;
    }
    return entry.calls > 0 ? clock.instant() : entry.last;
  }

  private static boolean present(Heard entry, Instant now) {
    return entry.calls > 0 || now.isBefore(entry.last.plus(MOMENT));
  }
}
