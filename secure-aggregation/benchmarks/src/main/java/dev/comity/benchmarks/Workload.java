package dev.comity.benchmarks;

import dev.comity.plan.Architecture;
import dev.comity.plan.Encoding;
import dev.comity.plan.Noise;
import dev.comity.plan.RunId;
import dev.comity.plan.RunKind;
import dev.comity.plan.VectorLayout;
import dev.comity.update.ClippedUpdate;
import dev.comity.update.LocalUpdate;
import dev.comity.update.Metrics;
import dev.comity.update.NoisedUpdate;
import dev.comity.update.RoundingKey;
import java.util.List;
import java.util.Random;
import java.util.UUID;

/// The update that every benchmark works on, the same in every process.
public final class Workload {
  /// Of most of them.
  public static final int PARAMETERS = 1_000_000;

  private static final double CLIP_NORM = 1;

  /// Of a million parameters.
  public static final VectorLayout LAYOUT = layout(PARAMETERS);

  private Workload() {}

  private static VectorLayout layout(int parameters) {
    return VectorLayout.of(
        RunKind.TRAIN,
        new Architecture("logistic-regression", List.of(parameters / 10 - 1, 10)),
        new Encoding(32, 512),
        CLIP_NORM,
        10_000,
        20);
  }

  /// An update of `parameters`, a multiple of ten, ready to be masked.
  public static NoisedUpdate noisedUpdate(int parameters) {
    return clippedUpdate(parameters)
        .encode(layout(parameters), roundingKey())
        .noise(new Noise.None());
  }

  static float[] delta() {
    return delta(PARAMETERS);
  }

  private static float[] delta(int parameters) {
    var random = new Random(1);
    float[] delta = new float[parameters];
    for (int i = 0; i < delta.length; i++) {
      delta[i] = (float) random.nextGaussian() / 1000;
    }
    return delta;
  }

  static ClippedUpdate clippedUpdate() {
    return clippedUpdate(PARAMETERS);
  }

  private static ClippedUpdate clippedUpdate(int parameters) {
    return LocalUpdate.of(delta(parameters), 0.5, Metrics.withoutHistograms(700, 800, 1000))
        .clip(CLIP_NORM);
  }

  static RoundingKey roundingKey() {
    return RoundingKey.derive(
        new byte[32], new RunId(new UUID(1, 2)), RunKind.TRAIN, 0, new float[0]);
  }
}
