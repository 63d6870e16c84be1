package dev.comity.agent.resources;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/// Where every rule of a site stands. Pure: a state, the readings and a monotonic time make the
/// next state. Moments are nanoseconds on that clock, compared by their difference alone, so a
/// change of the date changes nothing.
///
/// At the first look there is no past to wait for: a rule holds unless its signal is back. So a
/// process that was started again in the middle of a rule's band waits as the one before it did.
///
/// @param standings one for each rule, in the order of the site's file
/// @param opened whether training was allowed before: a process that never was has nothing to save,
///   and waits where it would drain
public record GateState(List<Standing> standings, boolean opened) {

  /// How a rule stands.
  ///
  /// @param contrarySince since when every look spoke for the other; empty when the last did not
  /// @param stale whether the last look found no young enough reading
  /// @param reading the last known
  public record Standing(
      Rule rule,
      Holding holding,
      OptionalLong contrarySince,
      boolean stale,
      Optional<Reading> reading) {}

  /// Whether a rule holds.
  public enum Holding {
    /// Nobody has looked yet.
    UNKNOWN,
    YES,
    NO
  }

  public GateState {
    standings = List.copyOf(standings);
  }

  /// Before the first look: every rule holds.
  ///
  /// @throws IllegalArgumentException when two rules have one name
  public static GateState start(List<Rule> rules) {
    var names = new HashSet<String>();
    for (Rule rule : rules) {
      if (!names.add(rule.name())) {
        throw new IllegalArgumentException("rule %s: is there twice".formatted(rule.name()));
      }
    }
    return new GateState(
        rules.stream()
            .map(rule ->
                new Standing(rule, Holding.UNKNOWN, OptionalLong.empty(), true, Optional.empty()))
            .toList(),
        false);
  }

  /// After a look at `now`.
  ///
  /// @param readings the last known by `source/reading`, however old
  public GateState next(Map<String, Reading> readings, long now) {
    var next = new ArrayList<Standing>(standings.size());
    for (Standing standing : standings) {
      next.add(next(standing, Optional.ofNullable(readings.get(standing.rule().signal())), now));
    }
    var state = new GateState(next, opened);
    return state.decision().open() ? new GateState(next, true) : state;
  }

  private static Standing next(Standing standing, Optional<Reading> reading, long now) {
    Rule rule = standing.rule();
    if (reading.isEmpty() || now - reading.get().observedAt() > rule.staleAfter().toNanos()) {
      return new Standing(rule, Holding.YES, OptionalLong.empty(), true, reading);
    }
    double value = reading.get().value();
    return switch (standing.holding()) {
      case UNKNOWN ->
          new Standing(
              rule,
              rule.back(value) ? Holding.NO : Holding.YES,
              OptionalLong.empty(),
              false,
              reading);
      case YES -> weighed(standing, rule.back(value), rule.back(), Holding.NO, reading, now);
      case NO -> weighed(standing, rule.beyond(value), rule.after(), Holding.YES, reading, now);
    };
  }

  private static Standing weighed(
      Standing standing,
      boolean contrary,
      Duration dwell,
      Holding other,
      Optional<Reading> reading,
      long now) {
    if (!contrary) {
      return new Standing(
          standing.rule(), standing.holding(), OptionalLong.empty(), false, reading);
    }
    long since = standing.contrarySince().orElse(now);
    return now - since >= dwell.toNanos()
        ? new Standing(standing.rule(), other, OptionalLong.empty(), false, reading)
        : new Standing(standing.rule(), standing.holding(), OptionalLong.of(since), false, reading);
  }

  /// The strictest that a holding rule demands; of several throttles the slowest.
  public Decision decision() {
    var throttling = new ArrayList<Standing>();
    var pausing = new ArrayList<Standing>();
    var draining = new ArrayList<Standing>();
    double dutyCycle = 1;
    for (Standing standing : standings) {
      if (standing.holding() == Holding.NO) {
        continue;
      }
      switch (standing.rule().demand()) {
        case Rule.Demand.Throttle(double share) -> {
          throttling.add(standing);
          dutyCycle = Math.min(dutyCycle, share);
        }
        case Rule.Demand.Pause _ -> pausing.add(standing);
        case Rule.Demand.Drain _ -> draining.add(standing);
      }
    }
    var closing = new ArrayList<>(draining);
    closing.addAll(pausing);
    if (!draining.isEmpty() && opened) {
      return new Decision.Drain(reasons(draining), window(closing));
    }
    if (!closing.isEmpty()) {
      return new Decision.Pause(reasons(closing), window(closing));
    }
    return throttling.isEmpty()
        ? new Decision.Run()
        : new Decision.Throttle(dutyCycle, reasons(throttling), window(throttling));
  }

  private static List<Decision.Reason> reasons(List<Standing> holding) {
    return holding.stream()
        .map(standing -> new Decision.Reason(standing.rule().name(), standing.rule().cause()))
        .toList();
  }

  /// Why each rule that holds does, with its reading: for the site's own people alone.
  public List<String> details() {
    return standings.stream()
        .filter(standing -> standing.holding() != Holding.NO)
        .map(standing -> "%s: %s".formatted(standing.rule().name(), detail(standing)))
        .toList();
  }

  private static String detail(Standing standing) {
    Rule rule = standing.rule();
    if (standing.reading().isEmpty()) {
      return "%s: no reading yet".formatted(rule.signal());
    }
    double value = standing.reading().get().value();
    if (standing.stale()) {
      return String.format(
          Locale.ROOT,
          "%s: no reading for more than %d s; the last was %s",
          rule.signal(),
          rule.staleAfter().toSeconds(),
          value);
    }
    String side = rule.side().name().toLowerCase(Locale.ROOT);
    if (rule.beyond(value)) {
      return "%s is %s, %s %s".formatted(rule.signal(), value, side, rule.enter());
    }
    return rule.back(value)
        ? "%s is %s again, for less than %d s"
            .formatted(rule.signal(), value, rule.back().toSeconds())
        : "%s is %s: holds until %s".formatted(rule.signal(), value, rule.leave());
  }

  /// When the last of these is expected to have ended; empty when one of them foretells nothing.
  private static Optional<Instant> window(List<Standing> holding) {
    Optional<Instant> last = Optional.empty();
    for (Standing standing : holding) {
      Optional<Instant> end =
          standing.reading().stream()
              .flatMap(reading -> reading.expected().stream())
              .filter(expected -> standing.rule().back(expected.value()))
              .findFirst()
              .map(expected -> expected.at().plus(standing.rule().back()));
      if (end.isEmpty()) {
        return Optional.empty();
      }
      if (last.isEmpty() || end.get().isAfter(last.get())) {
        last = end;
      }
    }
    return last;
  }
}
