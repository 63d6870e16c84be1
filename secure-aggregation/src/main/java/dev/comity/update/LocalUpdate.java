package dev.comity.update;

import dev.comity.vector.Vectors;
import java.lang.foreign.MemorySegment;

/// What training left on a site: local minus global weights, the site's weight in the mean, and its
/// metrics. Never leaves the site; the only way on is [#clip].
public final class LocalUpdate {
  private final MemorySegment delta;
  private final double weight;
  private final Metrics metrics;

  private LocalUpdate(MemorySegment delta, double weight, Metrics metrics) {
    this.delta = delta;
    this.weight = weight;
    this.metrics = metrics;
  }

  /// The update of a training round.
  ///
  /// @param delta local minus global weights, flat in the order of the parameter layout; copied
  /// @param weight the site's weight in the mean, in (0, 1]
  /// @throws DivergedException when an element of `delta`, or the weight, is not finite
  /// @throws IllegalArgumentException when the weight is not in (0, 1]
  public static LocalUpdate of(float[] delta, double weight, Metrics metrics) {
    var copy = Ring.allocate((long) Float.BYTES * delta.length);
    MemorySegment.copy(delta, 0, copy, Ring.FLOAT, 0, delta.length);
    if (!Double.isFinite(Vectors.norm2(copy))) {
      throw new DivergedException("a weight of the local model");
    }
    if (!Double.isFinite(weight)) {
      throw new DivergedException("the weight of the site");
    }
    if (!(weight > 0 && weight <= 1)) {
      throw new IllegalArgumentException(
          "the weight of a site must be in (0, 1]: divide its examples by the plan's largest weight");
    }
    return new LocalUpdate(copy, weight, metrics);
  }

  /// The update of an evaluation round: metrics alone.
  public static LocalUpdate ofMetrics(Metrics metrics) {
    return new LocalUpdate(Ring.allocate(0), 1, metrics);
  }

  /// Scales the update into the ball of radius `clipNorm`: `u · min(1, C/‖u‖)`.
  ///
  /// @throws IllegalArgumentException when `clipNorm` is not finite and above 0
  public ClippedUpdate clip(double clipNorm) {
    if (!(clipNorm > 0 && Double.isFinite(clipNorm))) {
      throw new IllegalArgumentException(
          "clipNorm %s: must be finite and > 0; set clipNorm in the run".formatted(clipNorm));
    }
    double norm = Vectors.norm2(delta);
    return new ClippedUpdate(delta, norm > clipNorm ? clipNorm / norm : 1, weight, metrics);
  }
}
