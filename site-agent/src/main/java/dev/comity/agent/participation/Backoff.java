package dev.comity.agent.participation;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;

/// How long to wait before the next attempt: doubles from 100 ms up to a limit, with a random half,
/// so that the sites of a federation do not return all at once. Confined to one thread.
final class Backoff {
  private static final long FIRST_MS = 100;

  private final CountDownLatch closing;
  private long nextMs = FIRST_MS;

  /// @param closing ends every wait at once
  Backoff(CountDownLatch closing) {
    this.closing = closing;
  }

  void reset() {
    nextMs = FIRST_MS;
  }

  /// Waits, then doubles the wait up to `most`. Returns at once when the agent closes.
  void await(Duration most) throws InterruptedException {
    long waitMs = nextMs / 2 + ThreadLocalRandom.current().nextLong(nextMs / 2 + 1);
    if (!closing.await(waitMs, TimeUnit.MILLISECONDS)) {
      nextMs = Math.min(nextMs * 2, most.toMillis());
    }
  }
}
