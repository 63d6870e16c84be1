package dev.comity.benchmarks;

import dev.comity.plan.Architecture;
import dev.comity.plan.Encoding;
import dev.comity.plan.RunId;
import dev.comity.plan.RunKind;
import dev.comity.plan.VectorLayout;
import dev.comity.update.ClippedUpdate;
import dev.comity.update.LocalUpdate;
import dev.comity.update.Metrics;
import dev.comity.update.RoundingKey;
import java.util.List;
import java.util.Random;
import java.util.UUID;

/// The update that every benchmark works on: a million parameters, the same in every process.
final class Workload {
  static final int PARAMETERS = 1_000_000;

  private static final double CLIP_NORM = 1;

  static final VectorLayout LAYOUT =
      VectorLayout.of(
          RunKind.TRAIN,
          new Architecture("logistic-regression", List.of(99_999, 10)),
          new Encoding(32, 512),
          CLIP_NORM,
          10_000,
          20);

  private Workload() {}

  static float[] delta() {
    var random = new Random(1);
    float[] delta = new float[PARAMETERS];
    for (int i = 0; i < delta.length; i++) {
      delta[i] = (float) random.nextGaussian() / 1000;
    }
    return delta;
  }

  static ClippedUpdate clippedUpdate() {
    return LocalUpdate.of(delta(), 0.5, Metrics.withoutHistograms(700, 800, 1000)).clip(CLIP_NORM);
  }

  static RoundingKey roundingKey() {
    return RoundingKey.derive(
        new byte[32], new RunId(new UUID(1, 2)), RunKind.TRAIN, 0, new float[0]);
  }
}
