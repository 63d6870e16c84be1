package dev.comity.demo;

import java.util.List;
import java.util.Locale;

/// Mean and standard deviation, the latter with divisor n − 1.
record Spread(double mean, double deviation) {

  /// Of at least one value; one value has deviation 0.
  static Spread of(List<Double> values) {
    double mean = values.stream().mapToDouble(Double::doubleValue).average().orElseThrow();
    double squares = 0;
    for (double value : values) {
      squares += (value - mean) * (value - mean);
    }
    return new Spread(mean, Math.sqrt(squares / Math.max(1, values.size() - 1)));
  }

  @Override
  public String toString() {
    return String.format(Locale.ROOT, "%.3f ± %.3f", mean, deviation);
  }
}
