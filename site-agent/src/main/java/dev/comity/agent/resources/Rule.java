package dev.comity.agent.resources;

import java.time.Duration;
import java.util.Locale;

/// When one signal makes the site train less.
///
/// A rule that does not hold begins to once the signal was beyond `enter` at every look for
/// `after`. A rule that holds ends once the signal was back at `leave` at every look for `back`.
/// Between the two, nothing changes. A signal of which there is no reading younger than
/// `staleAfter` counts as the worst: the rule holds at once.
///
/// @param name unique in the site's file
/// @param signal `source/reading`
/// @param side where beyond is
/// @param enter beyond is strictly past this
/// @param leave back is this or on its other side
/// @param demand what holding means
public record Rule(
    String name,
    String signal,
    Side side,
    double enter,
    double leave,
    Demand demand,
    Cause cause,
    Duration after,
    Duration back,
    Duration staleAfter) {

  /// On which side of its threshold a rule holds.
  public enum Side {
    BELOW,
    ABOVE
  }

  /// What a rule that holds asks for, from mild to strict.
  public sealed interface Demand {

    /// Train slower.
    ///
    /// @param dutyCycle share of the time that training may take, in (0, 1)
    record Throttle(double dutyCycle) implements Demand {
      public Throttle {
        if (!(dutyCycle > 0 && dutyCycle < 1)) { // also refuses NaN
          throw new IllegalArgumentException(
              "dutyCycle %s: must be above 0 and below 1; to stop training, pause"
                  .formatted(dutyCycle));
        }
      }
    }

    record Pause() implements Demand {}

    record Drain() implements Demand {}
  }

  public Rule {
    if (!Double.isFinite(enter) || !Double.isFinite(leave)) {
      throw new IllegalArgumentException(
          "rule %s: thresholds %s and %s must be finite".formatted(name, enter, leave));
    }
    boolean crossed =
        switch (side) {
          case BELOW -> leave < enter;
          case ABOVE -> leave > enter;
        };
    if (crossed) {
      throw new IllegalArgumentException(
          "rule %s: holds %s %s until %s: until must be %s or %s"
              .formatted(
                  name,
                  side.name().toLowerCase(Locale.ROOT),
                  enter,
                  leave,
                  enter,
                  side == Side.BELOW ? "above" : "below"));
    }
    if (after.isNegative() || back.isNegative()) {
      throw new IllegalArgumentException(
          "rule %s: after %s and back %s must not be negative".formatted(name, after, back));
    }
    if (!staleAfter.isPositive()) {
      throw new IllegalArgumentException(
          "rule %s: staleAfter %s must be positive".formatted(name, staleAfter));
    }
  }

  boolean beyond(double value) {
    return switch (side) {
      case BELOW -> value < enter;
      case ABOVE -> value > enter;
    };
  }

  boolean back(double value) {
    return switch (side) {
      case BELOW -> value >= leave;
      case ABOVE -> value <= leave;
    };
  }
}
