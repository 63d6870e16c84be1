package dev.comity.agent.resources;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.slf4j.LoggerFactory;

@Timeout(60)
class PolledGateTest {
  private static final Duration EVERY = Duration.ofMillis(10);
  private static final Duration TIMEOUT = Duration.ofSeconds(5);
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private final SetSource source = new SetSource();
  private ResourceGate gate = ResourceGate.alwaysOpen();

  @AfterEach
  void close() {
    gate.close();
  }

  @Test
  void hasLookedOnceWhenItIsMade() {
    source.value = 1;
    gate = open(pause(Duration.ofSeconds(30)));

    assertThat(gate.isOpen()).isTrue();
    assertThat(gate.status().signals())
        .singleElement()
        .satisfies(signal -> {
          assertThat(signal.name()).isEqualTo("grid/online");
          assertThat(signal.value()).hasValue(1);
          assertThat(signal.stale()).isFalse();
        });
  }

  @Test
  void closesOpensAndTellsThoseWhoWait() throws Exception {
    source.value = 1;
    gate = open(pause(Duration.ofSeconds(30)));
    GateStatus before = gate.status();

    source.value = 0;
    GateStatus closed = gate.awaitChange(before, PATIENCE);

    assertThat(closed.decision()).isInstanceOf(Decision.Pause.class);
    assertThat(closed.since()).isAfterOrEqualTo(before.since());
    assertThat(gate.isOpen()).isFalse();
    source.value = 1;
    assertThat(gate.awaitChange(closed, PATIENCE).decision()).isEqualTo(new Decision.Run());
  }

  @Test
  void aCalendarThatJumpsChangesNoDecision() throws Exception {
    source.value = 1;
    var jumping =
        new Clock() {
          private final AtomicInteger calls = new AtomicInteger();

          @Override
          public Instant instant() {
            int call = calls.incrementAndGet();
            return Instant.EPOCH.plus(Duration.ofDays(call % 2 == 0 ? 10_000L + call : 1));
          }

          @Override
          public ZoneId getZone() {
            return ZoneOffset.UTC;
          }

          @Override
          public Clock withZone(ZoneId zone) {
            return this;
          }
        };
    gate =
        ResourceGate.polling(
            Map.of("grid", source),
            List.of(pause(Duration.ofSeconds(30))),
            EVERY,
            TIMEOUT,
            jumping);
    GateStatus before = gate.status();

    source.awaitPolls(source.asked.get() + 20);

    assertThat(gate.status().decision()).isEqualTo(new Decision.Run());
    assertThat(gate.status().since()).isEqualTo(before.since());
  }

  @Test
  void aDrainIsForEverAndWakesThoseWhoWaitForIt() throws Exception {
    source.value = 1;
    gate = open(rule(new Rule.Demand.Drain(), Duration.ofSeconds(30)));
    try (var pool = Executors.newVirtualThreadPerTaskExecutor()) {
      var drained = pool.submit(gate::awaitDrain);

      source.value = 0;

      assertThat(drained.get(30, TimeUnit.SECONDS)).isTrue();
    }
    int asked = source.asked.get();
    source.value = 1;
    assertThat(gate.awaitChange(gate.status(), Duration.ofMillis(200)).decision())
        .isInstanceOf(Decision.Drain.class);
    assertThat(source.asked.get()).as("polls after the decision").isEqualTo(asked);
  }

  @Test
  void aClosedGateLetsGoThoseWhoWaitForItsDrain() throws Exception {
    gate = open(rule(new Rule.Demand.Drain(), Duration.ofSeconds(30)));
    try (var pool = Executors.newVirtualThreadPerTaskExecutor()) {
      var drained = pool.submit(gate::awaitDrain);

      gate.close();

      assertThat(drained.get(30, TimeUnit.SECONDS)).isFalse();
      assertThat(source.closed).isTrue();
    }
  }

  @Test
  void aSourceThatFailsIsLoggedOnceAndItsSignalsGrowStale() throws Exception {
    source.value = 1;
    var log = new ListAppender<ILoggingEvent>();
    log.start();
    Logger logger = (Logger) LoggerFactory.getLogger(PolledGate.class);
    logger.addAppender(log);
    try {
      gate = open(pause(Duration.ofMillis(200)));
      GateStatus before = gate.status();

      source.failing = true;
      GateStatus closed = gate.awaitChange(before, PATIENCE);

      assertThat(closed.decision()).isInstanceOf(Decision.Pause.class);
      assertThat(closed.signals()).allMatch(GateStatus.Signal::stale);
      int asked = source.asked.get();
      source.awaitPolls(asked + 5);
      assertThat(messages(log, "does not tell all")).isEqualTo(1);
      source.failing = false;
      assertThat(gate.awaitChange(closed, PATIENCE).decision()).isEqualTo(new Decision.Run());
      assertThat(messages(log, "answers again")).isEqualTo(1);
      assertThat(messages(log, "Resource gate moved")).isEqualTo(3);
    } finally {
      logger.detachAppender(log);
    }
  }

  @Test
  void aSourceThatHangsHoldsNobodyElseAndIsNotAskedTwice() throws Exception {
    var released = new CountDownLatch(1);
    var hanging = new AtomicInteger();
    Source stuck =
        new Source() {
          @Override
          public Map<String, Reading> read() throws InterruptedException {
            hanging.incrementAndGet();
            released.await();
            return Map.of("inlet", new Reading(20, System.nanoTime()));
          }

          @Override
          public Optional<Set<String>> names() {
            return Optional.empty();
          }
        };
    source.value = 1;
    var inlet =
        new Rule(
            "hot",
            "bmc/inlet",
            Rule.Side.ABOVE,
            30,
            30,
            new Rule.Demand.Throttle(0.5),
            Cause.HEAT,
            Duration.ZERO,
            Duration.ZERO,
            Duration.ofSeconds(30));
    gate =
        ResourceGate.polling(
            Map.of("grid", source, "bmc", stuck),
            List.of(pause(Duration.ofSeconds(30)), inlet),
            EVERY,
            Duration.ofMillis(20),
            Clock.systemUTC());
    GateStatus slow = gate.status();
    assertThat(slow.decision())
        .as("one hangs, so it is the worst")
        .isInstanceOf(Decision.Throttle.class);

    source.value = 0;
    GateStatus paused = gate.awaitChange(slow, PATIENCE);

    assertThat(paused.decision()).isInstanceOf(Decision.Pause.class);
    assertThat(hanging).hasValue(1);
    source.value = 1;
    GateStatus back = gate.awaitChange(paused, PATIENCE);
    released.countDown();
    while (!back.decision().equals(new Decision.Run())) {
      back = gate.awaitChange(back, PATIENCE);
    }
  }

  @Test
  void aGateThatFailsIsClosed() throws Exception {
    source.value = 1;
    var looks = new AtomicInteger();
    gate =
        PolledGate.start(
            Map.of("grid", source),
            List.of(pause(Duration.ofSeconds(30))),
            EVERY,
            TIMEOUT,
            Clock.systemUTC(),
            () -> {
              if (looks.incrementAndGet() == 3) {
                throw new IllegalStateException("no clock");
              }
              return System.nanoTime();
            });

    GateStatus failed = gate.status();
    while (failed.decision().open()) {
      failed = gate.awaitChange(failed, PATIENCE);
    }

    assertThat(failed.decision()).isInstanceOf(Decision.Pause.class);
    assertThat(failed.signals()).allMatch(GateStatus.Signal::stale);
  }

  @Test
  void aRuleOfNoSourceAndOfAReadingThatItsSourceNeverGivesAreRefused() {
    assertThatThrownBy(() -> open(named("mains/online")))
        .hasMessage(
            "rule r: signal mains/online is of no source; write SOURCE/READING with one of the"
                + " sources [grid]");
    assertThatThrownBy(() -> open(named("grid/colour")))
        .hasMessage("rule r: signal grid/colour: that source gives [online]");
  }

  @Test
  void aThrottledTrainingRestsForItsShareOfTheTime() throws Exception {
    gate = open(rule(new Rule.Demand.Throttle(0.25), Duration.ofSeconds(30)));
    assertThat(gate.status().decision()).isInstanceOf(Decision.Throttle.class);
    var cycle = new DutyCycle(gate);

    long began = System.nanoTime();
    for (int batch = 0; batch < 100; batch++) {
      cycle.worked(Duration.ofMillis(1)); // as if it had taken so long
    }
    long rested = System.nanoTime() - began;

    assertThat(Duration.ofNanos(rested)).isGreaterThanOrEqualTo(Duration.ofMillis(290));
  }

  @Test
  void aRestEndsWithTheThrottle() throws Exception {
    gate = open(rule(new Rule.Demand.Throttle(0.001), Duration.ofSeconds(30)));
    var cycle = new DutyCycle(gate);
    try (var pool = Executors.newVirtualThreadPerTaskExecutor()) {
      var resting =
          pool.submit(() -> {
            cycle.worked(Duration.ofHours(1));
            return true;
          });

      source.value = 1;

      assertThat(resting.get(30, TimeUnit.SECONDS)).isTrue();
    }
  }

  @Test
  void aTrainingThatMayRunDoesNotRest() throws Exception {
    var cycle = new DutyCycle(ResourceGate.alwaysOpen());

    cycle.worked(Duration.ofDays(1000)); // would rest for ever under any throttle

    assertThat(gate.isOpen()).isTrue();
  }

  private static long messages(ListAppender<ILoggingEvent> log, String part) {
    return List.copyOf(log.list).stream().filter(line -> line.getMessage().contains(part)).count();
  }

  private ResourceGate open(Rule rule) {
    return ResourceGate.polling(
        Map.of("grid", source), List.of(rule), EVERY, TIMEOUT, Clock.systemUTC());
  }

  private static Rule pause(Duration staleAfter) {
    return rule(new Rule.Demand.Pause(), staleAfter);
  }

  private static Rule rule(Rule.Demand demand, Duration staleAfter) {
    return new Rule(
        "r",
        "grid/online",
        Rule.Side.BELOW,
        1,
        1,
        demand,
        Cause.POWER,
        Duration.ZERO,
        Duration.ZERO,
        staleAfter);
  }

  private static Rule named(String signal) {
    Rule rule = pause(Duration.ofSeconds(30));
    return new Rule(
        rule.name(),
        signal,
        rule.side(),
        rule.enter(),
        rule.leave(),
        rule.demand(),
        rule.cause(),
        rule.after(),
        rule.back(),
        rule.staleAfter());
  }

  /// Gives what the test sets.
  private static final class SetSource implements Source {
    private volatile double value;
    private volatile boolean failing;
    private volatile boolean closed;
    private final AtomicInteger asked = new AtomicInteger();

    @Override
    public Map<String, Reading> read() throws IOException {
      synchronized (asked) {
        asked.incrementAndGet();
        asked.notifyAll();
      }
      if (failing) {
        throw new IOException("unplugged");
      }
      return Map.of("online", new Reading(value, System.nanoTime()));
    }

    private void awaitPolls(int count) throws InterruptedException {
      synchronized (asked) {
        while (asked.get() < count) {
          asked.wait();
        }
      }
    }

    @Override
    public Optional<Set<String>> names() {
      return Optional.of(Set.of("online"));
    }

    @Override
    public void close() {
      closed = true;
    }
  }
}
