package dev.comity.agent.resources;

import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The gate of a site with sensors: one virtual thread asks all sources at every poll, side by
/// side, feeds [GateState] and publishes. A source that fails leaves its readings to grow old; it
/// is logged once when it begins to fail and once when it answers again.
final class PolledGate implements ResourceGate {
  private static final Logger LOG = LoggerFactory.getLogger(PolledGate.class);

  private final Map<String, Source> sources;
  private final Duration every;
  private final Duration timeout;
  private final Clock clock;
  private final LongSupplier nanos;
  private final ExecutorService asking = Executors.newVirtualThreadPerTaskExecutor();
  private final Thread poller;

  // Confined to the thread that polls; before it starts, to the one that makes the gate.
  private final Map<String, Reading> readings = new HashMap<>();
  private final Map<String, Future<Map<String, Reading>>> asked = new HashMap<>();
  private final Map<String, String> complaints = new HashMap<>();
  private GateState state;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  // Guarded by the lock; status may be read without.
  private volatile GateStatus status;
  private boolean closed;

  private PolledGate(
      Map<String, Source> sources,
      List<Rule> rules,
      Duration every,
      Duration timeout,
      Clock clock,
      LongSupplier nanos) {
    this.sources = new LinkedHashMap<>(sources);
    this.every = every;
    this.timeout = timeout;
    this.clock = clock;
    this.nanos = nanos;
    this.state = GateState.start(rules);
    this.status =
        new GateStatus(state.decision(), clock.instant(), state.details(), signals(state));
    this.poller = Thread.ofVirtual().name("resources").unstarted(this::run);
  }

  static PolledGate start(
      Map<String, Source> sources,
      List<Rule> rules,
      Duration every,
      Duration timeout,
      Clock clock,
      LongSupplier nanos) {
    rules.forEach(rule -> requireKnown(rule, sources));
    var gate = new PolledGate(sources, rules, every, timeout, clock, nanos);
    try {
      gate.poll();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // the first look saw less; the next one sees all
    }
    gate.poller.start();
    return gate;
  }

  private static void requireKnown(Rule rule, Map<String, Source> sources) {
    int slash = rule.signal().indexOf('/');
    Source source = slash < 0 ? null : sources.get(rule.signal().substring(0, slash));
    if (source == null) {
      throw new IllegalArgumentException(
          "rule %s: signal %s is of no source; write SOURCE/READING with one of the sources %s"
              .formatted(rule.name(), rule.signal(), new TreeSet<>(sources.keySet())));
    }
    Optional<Set<String>> names = source.names();
    if (names.isPresent() && !names.get().contains(rule.signal().substring(slash + 1))) {
      throw new IllegalArgumentException(
          "rule %s: signal %s: that source gives %s"
              .formatted(rule.name(), rule.signal(), new TreeSet<>(names.get())));
    }
  }

  @Override
  public GateStatus status() {
    return status;
  }

  @Override
  public GateStatus awaitChange(GateStatus seen, Duration most) throws InterruptedException {
    lock.lockInterruptibly();
    try {
      long left = most.toNanos();
      while (left > 0 && !closed && status.decision().equals(seen.decision())) {
        left = changed.awaitNanos(left);
      }
      return status;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public boolean awaitDrain() throws InterruptedException {
    lock.lockInterruptibly();
    try {
      while (!closed && !(status.decision() instanceof Decision.Drain)) {
        changed.await();
      }
      return status.decision() instanceof Decision.Drain;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void close() {
    lock.lock();
    try {
      closed = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    asking.shutdownNow();
    sources.values().forEach(Source::close);
  }

  /// A site that drains is left: nothing after that decision counts.
  private void run() {
    try {
      while (!(status.decision() instanceof Decision.Drain) && pauseUntilNextPoll()) {
        poll();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (RejectedExecutionException e) {
      LOG.atDebug().log("Resource gate closed while it polled");
    } catch (RuntimeException e) {
      LOG.atError().setCause(e).log("Resource gate fails; every signal counts as the worst");
      state = state.next(Map.of(), 0);
      publish(state);
    }
  }

  private boolean pauseUntilNextPoll() throws InterruptedException {
    lock.lockInterruptibly();
    try {
      long left = every.toNanos();
      while (left > 0 && !closed) {
        left = changed.awaitNanos(left);
      }
      return !closed;
    } finally {
      lock.unlock();
    }
  }

  private void poll() throws InterruptedException {
    long end = System.nanoTime() + timeout.toNanos();
    sources.forEach(
        (name, source) -> asked.computeIfAbsent(name, any -> asking.submit(source::read)));
    for (String name : sources.keySet()) {
      take(name, Math.max(0, end - System.nanoTime()));
    }
    state = state.next(readings, nanos.getAsLong());
    publish(state);
  }

  private void take(String name, long nanosLeft) throws InterruptedException {
    Future<Map<String, Reading>> answer = asked.get(name);
    if (answer == null) {
      return;
    }
    try {
      Map<String, Reading> had = answer.get(nanosLeft, TimeUnit.NANOSECONDS);
      had.forEach((reading, value) -> readings.put(name + "/" + reading, value));
      asked.remove(name);
      settle(name, missing(name, had.keySet()));
    } catch (TimeoutException e) {
      settle(name, "no answer within %d ms".formatted(timeout.toMillis()));
    } catch (ExecutionException e) {
      asked.remove(name);
      settle(name, reason(e.getCause()));
    }
  }

  /// What a rule waits for and the source did not give.
  private @Nullable String missing(String source, Set<String> had) {
    var missing = new TreeSet<String>();
    for (GateState.Standing standing : state.standings()) {
      String signal = standing.rule().signal();
      if (signal.startsWith(source + "/") && !had.contains(signal.substring(source.length() + 1))) {
        missing.add(signal.substring(source.length() + 1));
      }
    }
    return missing.isEmpty()
        ? null
        : "has no %s; it gives %s".formatted(String.join(", ", missing), new TreeSet<>(had));
  }

  private static String reason(@Nullable Throwable cause) {
    return cause instanceof IOException && cause.getMessage() != null
        ? cause.getMessage()
        : String.valueOf(cause);
  }

  /// Logs what became different.
  private void settle(String source, @Nullable String complaint) {
    if (asking.isShutdown()) {
      return; // nobody waits for it any more
    }
    String before =
        complaint == null ? complaints.remove(source) : complaints.put(source, complaint);
    if (complaint != null && before == null) {
      LOG.atWarn()
          .addKeyValue("source", source)
          .addKeyValue("reason", complaint)
          .log(
              "Source of the resource gate does not tell all; its signals count as the worst once"
                  + " stale");
    } else if (complaint == null && before != null) {
      LOG.atInfo().addKeyValue("source", source).log("Source of the resource gate answers again");
    }
  }

  private void publish(GateState state) {
    Decision decision = state.decision();
    lock.lock();
    try {
      Decision before = status.decision();
      boolean same = before.getClass().equals(decision.getClass());
      Instant since = same ? status.since() : clock.instant();
      status = new GateStatus(decision, since, state.details(), signals(state));
      if (!decision.equals(before)) {
        changed.signalAll();
      }
      if (!same) {
        LOG.atInfo()
            .addKeyValue("from", before.getClass().getSimpleName())
            .addKeyValue("to", decision.getClass().getSimpleName())
            .addKeyValue(
                "reason",
                decision.reasons().stream()
                    .map(reason -> "%s (%s)".formatted(reason.rule(), reason.cause().published()))
                    .collect(Collectors.joining(", ")))
            .log("Resource gate moved");
      }
    } finally {
      lock.unlock();
    }
  }

  private static List<GateStatus.Signal> signals(GateState state) {
    var signals = new LinkedHashMap<String, GateStatus.Signal>();
    for (GateState.Standing standing : state.standings()) {
      var value = standing.reading().map(reading -> OptionalDouble.of(reading.value()));
      signals.merge(
          standing.rule().signal(),
          new GateStatus.Signal(
              standing.rule().signal(), value.orElse(OptionalDouble.empty()), standing.stale()),
          (one, other) ->
              new GateStatus.Signal(one.name(), one.value(), one.stale() || other.stale()));
    }
    return new ArrayList<>(signals.values());
  }
}
