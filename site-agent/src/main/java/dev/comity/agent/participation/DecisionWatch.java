package dev.comity.agent.participation;

import java.io.IOException;
import java.nio.file.ClosedWatchServiceException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Tells when the site's people decided something, so that a running agent takes it up. Safe for
/// use by many threads.
final class DecisionWatch implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(DecisionWatch.class);

  private final WatchService watch;
  private final AtomicLong changes = new AtomicLong();

  /// @param folder made when it is missing
  DecisionWatch(Path folder) throws IOException {
    Files.createDirectories(folder);
    this.watch = folder.getFileSystem().newWatchService();
    folder.register(
        watch, StandardWatchEventKinds.ENTRY_CREATE, StandardWatchEventKinds.ENTRY_MODIFY);
  }

  /// How often the folder changed. What was read there before a number is known under it.
  long changes() {
    return changes.get();
  }

  /// Runs `changed` after each change, on a thread of its own, until this is closed.
  void start(Runnable changed) {
    Thread.ofVirtual().name("decisions").start(() -> follow(changed));
  }

  private void follow(Runnable changed) {
    try {
      while (true) {
        WatchKey key = watch.take();
        var _ = key.pollEvents();
        boolean valid = key.reset();
        changes.incrementAndGet();
        tell(changed);
        if (!valid) {
          LOG.atWarn().log("The folder of decisions is gone; start the agent again");
          return;
        }
      }
    } catch (ClosedWatchServiceException e) {
      LOG.atDebug().log("The agent closes: decisions are no longer watched");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static void tell(Runnable changed) {
    try {
      changed.run();
    } catch (RuntimeException e) {
      LOG.atError().setCause(e).log("A decision could not be taken up; start the agent again");
    }
  }

  @Override
  public void close() throws IOException {
    watch.close();
  }
}
