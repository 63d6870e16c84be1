package dev.comity.simulation;

import java.time.Clock;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.Comparator;
import java.util.PriorityQueue;

/// Time, chance and the network of one simulation. Everything happens in one thread, in the order
/// of simulated time, and chance has one seed.
final class World {
  private record Event(long at, long number, Runnable work) {}

  private static final int LOSS = 12;
  private static final int DOUBLING = 12;
  private static final int LONG_DELAY = 20;

  private final SeededRandom random;
  private final Trace trace = new Trace();
  private final PriorityQueue<Event> events =
      new PriorityQueue<>(Comparator.comparingLong(Event::at).thenComparingLong(Event::number));
  private long now;
  private long number;
  private boolean faulty;

  World(long seed, boolean faulty) {
    this.random = new SeededRandom(seed, "world");
    this.faulty = faulty;
  }

  SeededRandom random() {
    return random;
  }

  /// Whether power and network fail.
  boolean faulty() {
    return faulty;
  }

  void heal() {
    faulty = false;
    note("faults stop");
  }

  void note(String line) {
    trace.add(now, line);
  }

  Trace trace() {
    return trace;
  }

  /// Milliseconds since the start.
  long now() {
    return now;
  }

  void after(long milliseconds, Runnable work) {
    events.add(new Event(now + milliseconds, number++, work));
  }

  /// Delivers by way of a network that may fail.
  void send(Runnable delivery) {
    if (!faulty) {
      after(5 + random.nextInt(20), delivery);
      return;
    }
    if (random.oneIn(LOSS)) {
      return;
    }
    after(latency(), delivery);
    if (random.oneIn(DOUBLING)) {
      after(latency(), delivery);
    }
  }

  private long latency() {
    return random.oneIn(LONG_DELAY) ? random.nextInt(30_000) : 5 + random.nextInt(400);
  }

  /// Lets the next thing happen, if it happens before `end`.
  boolean step(long end) {
    Event next = events.peek();
    if (next == null || next.at() > end) {
      return false;
    }
    events.remove();
    now = next.at();
    next.work().run();
    return true;
  }

  /// The simulated time.
  Clock clock() {
    return new Clock() {
      @Override
      public ZoneId getZone() {
        return ZoneOffset.UTC;
      }

      @Override
      public Clock withZone(ZoneId zone) {
        return this;
      }

      @Override
      public Instant instant() {
        return SimulatedFederation.START.plusMillis(now);
      }
    };
  }
}
