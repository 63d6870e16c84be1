package dev.comity.audit.postgres;

import dev.comity.audit.Signals;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGConnection;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;
import org.springframework.dao.DataAccessException;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;

/// LISTEN and NOTIFY on one channel whose payload is the topic. One thread owns the listening
/// connection; when the connection is lost everybody is woken once it stands again, since
/// notifications may have been missed.
@Component
final class PostgresSignals implements Signals, SmartLifecycle {

  private static final Logger LOG = LoggerFactory.getLogger(PostgresSignals.class);
  private static final String CHANNEL = "comity";

  /// A topic of nobody: it ends the listener's wait.
  private static final String STOP = "stop";

  private static final Duration RECONNECT = Duration.ofSeconds(1);

  private final DataSource database;
  private final JdbcClient sql;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final Map<String, Long> counts = new HashMap<>();
  private long everybody;
  private boolean stopping;
  private @Nullable Connection listening;
  private @Nullable Thread listener;

  PostgresSignals(DataSource database) {
    this.database = database;
    this.sql = JdbcClient.create(database);
  }

  @Override
  public long ticket(String topic) {
    lock.lock();
    try {
      return count(topic);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void await(String topic, long ticket, Duration patience) throws InterruptedException {
    lock.lockInterruptibly();
    try {
      var nanos = nanos(patience);
      while (count(topic) <= ticket && !stopping && nanos > 0) {
        nanos = changed.awaitNanos(nanos);
      }
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void signal(String topic) {
    sql.sql("select pg_notify(?, ?)").params(CHANNEL, topic).query((row, _) -> true).list();
  }

  private long count(String topic) {
    return everybody + counts.getOrDefault(topic, 0L);
  }

  private static long nanos(Duration patience) {
    return patience.compareTo(Duration.ofDays(365)) > 0
        ? TimeUnit.DAYS.toNanos(365)
        : patience.toNanos();
  }

  @Override
  public void start() {
    stopping = false;
    listener = Thread.ofPlatform().daemon().name("signals").start(this::listen);
  }

  private void listen() {
    while (!stopped()) {
      try (var connection = database.getConnection()) {
        hold(connection);
        try (var statement = connection.createStatement()) {
          statement.execute("listen " + CHANNEL);
        }
        wakeEverybody();
        receive(connection.unwrap(PGConnection.class));
        try (var statement = connection.createStatement()) {
          statement.execute("unlisten *");
        }
      } catch (SQLException lost) {
        if (!stopped()) {
          LOG.atWarn().setCause(lost).log("listening connection lost, connecting again");
          pause();
        }
      } finally {
        hold(null);
      }
    }
  }

  private void receive(PGConnection connection) throws SQLException {
    while (!stopped()) {
      var received = connection.getNotifications(0);
      if (received != null) {
        for (var notification : received) {
          wake(notification.getParameter());
        }
      }
    }
  }

  private void pause() {
    lock.lock();
    try {
      var nanos = RECONNECT.toNanos();
      while (!stopping && nanos > 0) {
        nanos = changed.awaitNanos(nanos);
      }
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    } finally {
      lock.unlock();
    }
  }

  private boolean stopped() {
    lock.lock();
    try {
      return stopping || Thread.currentThread().isInterrupted();
    } finally {
      lock.unlock();
    }
  }

  private void hold(@Nullable Connection connection) {
    lock.lock();
    try {
      listening = connection;
    } finally {
      lock.unlock();
    }
  }

  private void wake(String topic) {
    if (topic.equals(Signals.membership())) {
      wakeEverybody();
      return;
    }
    lock.lock();
    try {
      counts.merge(topic, 1L, Long::sum);
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  private void wakeEverybody() {
    lock.lock();
    try {
      everybody++;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void stop() {
    @Nullable Connection connection;
    @Nullable Thread thread;
    lock.lock();
    try {
      stopping = true;
      connection = listening;
      thread = listener;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    try {
      signal(STOP);
      if (thread != null && !thread.join(Duration.ofSeconds(2)) && connection != null) {
        connection.abort(Runnable::run);
      }
    } catch (DataAccessException | SQLException failed) {
      LOG.atWarn().setCause(failed).log("listening connection did not close");
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public boolean isRunning() {
    return listener != null && listener.isAlive();
  }

  /// Before everything that waits, and stopped after it.
  @Override
  public int getPhase() {
    return -100;
  }
}
