package dev.comity.algorithm;

/// Bounds of settings. NaN and infinities are outside of every bound.
final class Ranges {
  private Ranges() {}

  static void requireAbove(String name, double value, double bound) {
    if (!(value > bound) || !fitsFloat(value)) {
      throw new IllegalArgumentException(
          "%s must be > %s and finite as float32, was %s".formatted(name, bound, value));
    }
  }

  static void requireAtLeast(String name, double value, double bound) {
    if (!(value >= bound) || !fitsFloat(value)) {
      throw new IllegalArgumentException(
          "%s must be >= %s and finite as float32, was %s".formatted(name, bound, value));
    }
  }

  static void requireFraction(String name, double value) {
    if (!(value >= 0 && value < 1)) {
      throw new IllegalArgumentException("%s must be in [0, 1), was %s".formatted(name, value));
    }
  }

  private static boolean fitsFloat(double value) {
    return Float.isFinite((float) value) && (value == 0 || (float) value != 0);
  }
}
