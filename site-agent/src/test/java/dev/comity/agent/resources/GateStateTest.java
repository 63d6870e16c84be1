package dev.comity.agent.resources;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.LongToDoubleFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GateStateTest {
  private static final String BATTERY = "ups/battery.charge";
  private static final String INLET = "bmc/inlet";
  private static final long SECOND = 1_000_000_000L;
  private static final Duration AFTER = Duration.ofSeconds(20);
  private static final Duration BACK = Duration.ofSeconds(60);
  private static final Duration STALE = Duration.ofSeconds(30);

  private static final Rule LOW =
      rule("low", BATTERY, Rule.Side.BELOW, 40, 60, new Rule.Demand.Pause(), Cause.POWER);
  private static final Rule EMPTY =
      rule("empty", BATTERY, Rule.Side.BELOW, 20, 30, new Rule.Demand.Drain(), Cause.POWER);
  private static final Rule WARM =
      rule("warm", INLET, Rule.Side.ABOVE, 27, 25, new Rule.Demand.Throttle(0.5), Cause.HEAT);
  private static final Rule HOT =
      rule("hot", INLET, Rule.Side.ABOVE, 32, 29, new Rule.Demand.Throttle(0.2), Cause.HEAT);

  @Test
  void aConstantSignalMovesTheGateAtMostOnce() {
    for (int percent = 0; percent <= 100; percent++) {
      double value = percent;
      assertThat(moves(decisions(List.of(LOW, EMPTY), 3600, at -> value)))
          .as("at %d percent", percent)
          .isLessThanOrEqualTo(1);
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void insideTheBandNothingMoves(long seed) {
    var random = new Random(seed);
    for (double before : new double[] {70, 30}) {
      var seen =
          decisions(
              List.of(LOW), 4 * 3600, at -> at < 120 ? before : 40 + 20 * random.nextDouble());
      assertThat(seen.subList(120, seen.size()))
          .as("seed %d, after %s percent", seed, before)
          .allSatisfy(decision ->
              assertThat(decision)
                  .isInstanceOf(before > 60 ? Decision.Run.class : Decision.Pause.class));
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {11, 12, 13, 14, 15, 16, 17, 18})
  void aFlappingSignalMovesTheGateNoMoreOftenThanTheDwellAllows(long seed) {
    var random = new Random(seed);
    int seconds = 6 * 3600;
    int most = seconds / (int) AFTER.plus(BACK).toSeconds() * 2 + 2;

    var wild = decisions(List.of(LOW), seconds, at -> random.nextBoolean() ? 0 : 100);
    var slow = decisions(List.of(LOW), seconds, at -> (at / (30 + seed)) % 2 == 0 ? 0 : 100);
    var wave = decisions(List.of(LOW), seconds, at -> (at / (80 + seed)) % 2 == 0 ? 0 : 100);

    assertThat(moves(wild)).as("seed %d", seed).isLessThanOrEqualTo(most);
    assertThat(moves(slow)).as("shorter than the dwell back, seed %d", seed).isZero();
    assertThat(moves(wave)).as("seed %d", seed).isBetween(2, most);
  }

  @Test
  void aRuleBeginsAndEndsAfterItsDwellAndAnOppositeLookStartsItAnew() {
    var seen =
        decisions(
            List.of(LOW),
            300,
            at -> at < 10 ? 80 : at < 25 ? 39 : at < 26 ? 80 : at < 100 ? 39 : 60);

    assertThat(seen.get(44)).as("15 s below, one look above, 19 s below").isEqualTo(run());
    assertThat(seen.get(46)).isInstanceOf(Decision.Pause.class);
    assertThat(seen.get(159)).isInstanceOf(Decision.Pause.class);
    assertThat(seen.get(160)).isEqualTo(run());
  }

  @Test
  void aStaleSignalCountsAsTheWorst() {
    var state = opened(List.of(LOW, EMPTY), Map.of(BATTERY, new Reading(90, 0)));

    assertThat(state.next(reading(90, 0), 30 * SECOND).decision()).isEqualTo(run());
    assertThat(state.next(reading(90, 0), 30 * SECOND + 1).decision())
        .isInstanceOf(Decision.Drain.class);
    assertThat(state.next(Map.of(), 1).decision()).isInstanceOf(Decision.Drain.class);
    assertThat(state.next(Map.of(), 1).details())
        .contains("low: ups/battery.charge: no reading yet");
  }

  @Test
  void aSignalThatIsHeardAgainIsTrustedAfterTheDwellBack() {
    var state = opened(List.of(LOW), Map.of(BATTERY, new Reading(90, 0))).next(Map.of(), SECOND);

    for (int at = 2; at <= 61; at++) {
      state = state.next(reading(90, at * SECOND), at * SECOND);
      assertThat(state.decision()).as("second %d", at).isInstanceOf(Decision.Pause.class);
    }
    state = state.next(reading(90, 62 * SECOND), 62 * SECOND);
    assertThat(state.decision()).isEqualTo(run());
  }

  @Test
  void whereTheMonotonicClockBeginsAndThatItOverflowsChangesNothing() {
    LongToDoubleFunction wave = at -> 50 + 50 * Math.sin(at / 200.0);
    var expected = decisions(List.of(LOW, EMPTY), 7200, wave, 0);

    for (long origin :
        new long[] {-1, 1_700_000_000L * SECOND, Long.MIN_VALUE, Long.MAX_VALUE - 3600 * SECOND}) {
      assertThat(decisions(List.of(LOW, EMPTY), 7200, wave, origin))
          .as("origin %d", origin)
          .isEqualTo(expected);
    }
  }

  @Test
  void moreBatteryIsNeverHarsher() {
    for (int lower = 0; lower < 100; lower++) {
      double value = lower;
      var poor = decisions(List.of(LOW, EMPTY), 200, at -> at < 1 ? 100 : value).getLast();
      var rich = decisions(List.of(LOW, EMPTY), 200, at -> at < 1 ? 100 : value + 1).getLast();
      assertThat(harshness(rich)).as("%d percent", lower).isLessThanOrEqualTo(harshness(poor));
    }
  }

  @Test
  void theStrictestRuleDecidesAndTheSlowestThrottle() {
    var rules = List.of(WARM, HOT, LOW);
    var warm = opened(rules, Map.of(BATTERY, new Reading(90, 0), INLET, new Reading(20, 0)));
    for (int at = 1; at <= 22; at++) {
      warm = warm.next(both(90, 33, at), at * SECOND);
    }

    assertThat(warm.decision())
        .isInstanceOfSatisfying(
            Decision.Throttle.class, throttle -> assertThat(throttle.dutyCycle()).isEqualTo(0.2));
    assertThat(warm.decision().open()).isTrue();
    var paused = warm;
    for (int at = 23; at <= 45; at++) {
      paused = paused.next(both(10, 33, at), at * SECOND);
    }
    assertThat(paused.decision())
        .isInstanceOfSatisfying(
            Decision.Pause.class,
            pause ->
                assertThat(pause.reasons())
                    .containsExactly(new Decision.Reason("low", Cause.POWER)));
  }

  @Test
  void aProcessThatNeverTrainedHasNothingToDrainAndWaits() {
    var begun = GateState.start(List.of(LOW, EMPTY)).next(reading(5, 0), 0);

    assertThat(begun.decision()).isInstanceOf(Decision.Pause.class);
    assertThat(begun.decision().reasons())
        .extracting(Decision.Reason::rule)
        .containsExactly("empty", "low");
  }

  @Test
  void aProcessThatBeginsInsideTheBandWaitsAsTheOneBeforeItDid() {
    assertThat(GateState.start(List.of(LOW)).next(reading(50, 0), 0).decision())
        .isInstanceOf(Decision.Pause.class);
    assertThat(GateState.start(List.of(LOW)).next(reading(60, 0), 0).decision()).isEqualTo(run());
  }

  @Test
  void nothingIsOpenBeforeTheFirstLook() {
    assertThat(GateState.start(List.of(LOW)).decision()).isInstanceOf(Decision.Pause.class);
  }

  @Test
  void theNextWindowIsTheLastOfTheExpectedEndsAndUnknownWhenOneIs() {
    Instant noon = Instant.parse("2026-03-01T12:00:00Z");
    var hours =
        rule("hours", "week/open", Rule.Side.BELOW, 1, 1, new Rule.Demand.Pause(), Cause.HOURS);
    var closed =
        new Reading(
            0,
            0,
            List.of(new Reading.Expected(noon, 0), new Reading.Expected(noon.plusSeconds(60), 1)));
    var battery = new Reading(10, 0, List.of(new Reading.Expected(noon.plusSeconds(600), 80)));

    var both = GateState.start(List.of(hours, LOW));
    assertThat(both.next(Map.of("week/open", closed, BATTERY, battery), 0).decision().nextWindow())
        .contains(noon.plusSeconds(660));
    assertThat(
            both.next(Map.of("week/open", closed, BATTERY, new Reading(90, 0)), 0)
                .decision()
                .nextWindow())
        .contains(noon.plusSeconds(120));
    assertThat(
            both.next(Map.of("week/open", closed, BATTERY, new Reading(10, 0)), 0)
                .decision()
                .nextWindow())
        .isEmpty();
  }

  @Test
  void aDecisionHoldsNoReading() {
    var paused = GateState.start(List.of(LOW)).next(reading(37.25, 0), 0);

    assertThat(paused.decision().toString()).doesNotContain("37.25");
    assertThat(paused.details()).containsExactly("low: ups/battery.charge is 37.25, below 40.0");
  }

  @Test
  void rulesThatCannotBeMeantAreRefused() {
    assertThatThrownBy(
            () -> rule("x", BATTERY, Rule.Side.BELOW, 40, 39, new Rule.Demand.Pause(), Cause.POWER))
        .hasMessageContaining("rule x: holds below 40.0 until 39.0: until must be 40.0 or above");
    assertThatThrownBy(
            () -> rule("x", INLET, Rule.Side.ABOVE, 30, 31, new Rule.Demand.Pause(), Cause.HEAT))
        .hasMessageContaining("until must be 30.0 or below");
    assertThatThrownBy(() ->
            rule("x", INLET, Rule.Side.ABOVE, Double.NaN, 31, new Rule.Demand.Pause(), Cause.HEAT))
        .hasMessageContaining("finite");
    assertThatThrownBy(() -> new Rule.Demand.Throttle(1)).hasMessageContaining("dutyCycle 1.0");
    assertThatThrownBy(() -> new Rule.Demand.Throttle(Double.NaN)).hasMessageContaining("NaN");
    assertThatThrownBy(() -> GateState.start(List.of(LOW, LOW)))
        .hasMessageContaining("rule low: is there twice");
    assertThatThrownBy(() -> new Reading(Double.NaN, 0)).hasMessageContaining("finite");
  }

  private static Decision run() {
    return new Decision.Run();
  }

  private static int harshness(Decision decision) {
    return switch (decision) {
      case Decision.Run _ -> 0;
      case Decision.Throttle _ -> 1;
      case Decision.Pause _ -> 2;
      case Decision.Drain _ -> 3;
    };
  }

  private static int moves(List<Decision> decisions) {
    int moves = 0;
    for (int i = 1; i < decisions.size(); i++) {
      moves += harshness(decisions.get(i)) == harshness(decisions.get(i - 1)) ? 0 : 1;
    }
    return moves;
  }

  /// A look each second, the first at second 0.
  private static List<Decision> decisions(
      List<Rule> rules, int seconds, LongToDoubleFunction battery) {
    return decisions(rules, seconds, battery, 0);
  }

  private static List<Decision> decisions(
      List<Rule> rules, int seconds, LongToDoubleFunction battery, long origin) {
    var decisions = new ArrayList<Decision>();
    var state = GateState.start(rules);
    for (int at = 0; at < seconds; at++) {
      long now = origin + at * SECOND;
      state = state.next(reading(battery.applyAsDouble(at), now), now);
      decisions.add(state.decision());
    }
    return decisions;
  }

  private static GateState opened(List<Rule> rules, Map<String, Reading> readings) {
    var state = GateState.start(rules).next(readings, 0);
    assertThat(state.decision()).isEqualTo(run());
    return state;
  }

  private static Map<String, Reading> reading(double battery, long at) {
    return Map.of(BATTERY, new Reading(battery, at));
  }

  private static Map<String, Reading> both(double battery, double inlet, int at) {
    return Map.of(
        BATTERY, new Reading(battery, at * SECOND), INLET, new Reading(inlet, at * SECOND));
  }

  private static Rule rule(
      String name,
      String signal,
      Rule.Side side,
      double enter,
      double leave,
      Rule.Demand demand,
      Cause cause) {
    return new Rule(name, signal, side, enter, leave, demand, cause, AFTER, BACK, STALE);
  }
}
