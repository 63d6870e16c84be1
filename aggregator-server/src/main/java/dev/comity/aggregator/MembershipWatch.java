package dev.comity.aggregator;

import dev.comity.audit.Signals;
import dev.comity.federation.Memberships;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;
import org.springframework.dao.DataAccessException;
import org.springframework.stereotype.Component;

/// Warns in the log of a membership that ends soon or has ended: at the start, whenever a new one
/// came, and every day.
@Component
final class MembershipWatch implements SmartLifecycle {
  private static final Logger LOG = LoggerFactory.getLogger(MembershipWatch.class);
  private static final Duration EVERY = Duration.ofDays(1);

  private final Memberships memberships;
  private final Signals signals;
  private volatile @Nullable Thread thread;

  MembershipWatch(Memberships memberships, Signals signals) {
    this.memberships = memberships;
    this.signals = signals;
  }

  @Override
  public void start() {
    thread = Thread.ofVirtual().name("membership-watch").start(this::watch);
  }

  private void watch() {
    try {
      while (true) {
        var ticket = signals.ticket(Signals.membership());
        try {
          memberships
              .warning()
              .ifPresent(warning ->
                  LOG.atWarn().addKeyValue("reason", warning).log("membership must be renewed"));
        } catch (DataAccessException failed) {
          LOG.atWarn().setCause(failed).log("the membership cannot be read");
        }
        signals.await(Signals.membership(), ticket, EVERY);
      }
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt(); // the aggregator stops
    }
  }

  @Override
  public void stop() {
    var running = thread;
    if (running != null) {
      running.interrupt();
      thread = null;
    }
  }

  @Override
  public boolean isRunning() {
    return thread != null;
  }
}
