package dev.comity.e2e;

/// Pearson's χ² of the 256 byte values against the uniform distribution, 255 degrees of freedom.
final class ByteUniformity {
  /// Uniform bytes exceed this with a probability below 10⁻⁷: the upper 10⁻⁸ quantile by Wilson and
  /// Hilferty (1931), 255 · (1 − 2/(9·255) + 5.612 · √(2/(9·255)))³.
  static final double LIMIT = 403;

  private static final int VALUES = 256;
  private static final int LEAST_BYTES = 5 * VALUES;

  private ByteUniformity() {}

  /// The statistic of `bytes`, of which there must be at least five for each value.
  static double statistic(byte[] bytes) {
    if (bytes.length < LEAST_BYTES) {
      throw new IllegalArgumentException(
          "%d bytes: at least %d are needed".formatted(bytes.length, LEAST_BYTES));
    }
    var counts = new long[VALUES];
    for (byte each : bytes) {
      counts[each & 0xff]++;
    }
    double expected = (double) bytes.length / VALUES;
    double sum = 0;
    for (long count : counts) {
      sum += (count - expected) * (count - expected) / expected;
    }
    return sum;
  }
}
