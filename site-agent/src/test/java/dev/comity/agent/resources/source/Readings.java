package dev.comity.agent.resources.source;

import dev.comity.agent.resources.Reading;
import java.util.Map;

final class Readings {
  private Readings() {}

  /// The reading of that name, which must be there.
  static Reading reading(Map<String, Reading> readings, String name) {
    Reading reading = readings.get(name);
    if (reading == null) {
      throw new AssertionError("no %s among %s".formatted(name, readings.keySet()));
    }
    return reading;
  }
}
