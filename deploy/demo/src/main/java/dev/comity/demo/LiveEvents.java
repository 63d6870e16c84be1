package dev.comity.demo;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/// Tells when something happened in a run: follows the run's server-sent events on a thread of its
/// own, and takes the stream up where it broke off.
public final class LiveEvents implements AutoCloseable {
  private static final Duration PAUSE = Duration.ofMillis(500);

  private final RestApi rest;
  private final String path;
  private final BlockingQueue<Boolean> happened = new ArrayBlockingQueue<>(1);
  private final CountDownLatch end = new CountDownLatch(1);
  private final Thread reader;
  private Optional<String> last = Optional.empty(); // of the reader alone

  LiveEvents(RestApi rest, String run) {
    this.rest = rest;
    this.path = "events?run=" + run;
    this.reader = Thread.ofVirtual().name("live-events").start(this::read);
  }

  /// Waits for the next event, at most for `limit`.
  public void await(Duration limit) throws InterruptedException {
    var _ = happened.poll(limit.toNanos(), TimeUnit.NANOSECONDS);
  }

  private void read() {
    try {
      while (end.getCount() > 0) {
        readStream();
        var _ = end.await(PAUSE.toNanos(), TimeUnit.NANOSECONDS);
      }
    } catch (InterruptedException _) {
      return; // closed
    }
  }

  /// Reads until the stream breaks off.
  private void readStream() throws InterruptedException {
    try (var lines = rest.events(path, last)) {
      lines.forEach(this::line);
    } catch (IOException | UncheckedIOException _) {
      return; // the aggregator is away
    }
  }

  private void line(String line) {
    if (line.startsWith("id:")) {
      last = Optional.of(line.substring(3).strip());
    } else if (line.startsWith("data:")) {
      var _ = happened.offer(true);
    }
  }

  @Override
  public void close() {
    end.countDown();
    reader.interrupt();
  }
}
