package dev.comity.agent.training;

import dev.comity.algorithm.LocalObjective;
import dev.comity.algorithm.Weighting;
import dev.comity.formats.BuiltInModel;
import dev.comity.plan.Architecture;
import dev.comity.plan.Digest;
import dev.comity.plan.Encoding;
import dev.comity.plan.FederationId;
import dev.comity.plan.LocalTraining;
import dev.comity.plan.LocalWork;
import dev.comity.plan.Loss;
import dev.comity.plan.Noise;
import dev.comity.plan.ParameterLayout;
import dev.comity.plan.RunId;
import dev.comity.plan.RunKind;
import dev.comity.plan.UpdateTerms;
import dev.comity.plan.VectorLayout;
import dev.comity.update.TrainingKey;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import java.util.function.LongConsumer;
import java.util.stream.IntStream;

/// How many examples a second whole steps of training take in: gradients, clipping, noise and the
/// optimizer's move, in the site agent's own code, on one thread and the same examples.
public final class StepSpeed {
  private static final long SEED = 7;
  private static final int WARM_UP = 3;

  /// Everything happens on the calling thread, so its own time counts: what else the machine does
  /// matters less.
  private static final ThreadMXBean CLOCK = ManagementFactory.getThreadMXBean();

  private static final Noise.RecordLevel PRIVACY = new Noise.RecordLevel(1.1, 1, 1e-5);

  /// How a step gets its gradient.
  public enum Way {
    /// Without privacy: one backward pass over all examples.
    PLAIN,
    /// One backward pass for each example, clipped, with noise.
    LOOP,
    /// Ghost clipping, with noise.
    GHOST
  }

  private StepSpeed() {}

  /// Examples a second of the thread's own time, in the fastest of `repeats` turns of at least
  /// `turn` each. The ways take turns, so that what else the machine does hits them alike.
  ///
  /// @param sample examples that every step takes, >= 1
  public static Map<Way, Double> measure(
      Architecture architecture, int sample, Duration turn, int repeats) {
    Map<Way, Double> best = new EnumMap<>(Way.class);
    Map<Way, Long> steps = new EnumMap<>(Way.class);
    Examples examples = examples(architecture, sample);
    float[] base =
        BuiltInModel.of(architecture.family(), architecture.widths()).initialValues(SEED);
    try (var model = new TorchModel(architecture, sample)) {
      Map<Way, LongConsumer> work = new EnumMap<>(Way.class);
      for (Way way : Way.values()) {
        work.put(way, work(way, architecture, model, examples, base));
      }
      for (int repeat = -WARM_UP; repeat < repeats; repeat++) {
        for (var each : work.entrySet()) {
          Way way = each.getKey();
          long first = steps.merge(way, 0L, Long::sum);
          long start = CLOCK.getCurrentThreadCpuTime();
          long step = first;
          do {
            each.getValue().accept(step++);
          } while (CLOCK.getCurrentThreadCpuTime() - start < turn.toNanos());
          double seconds = (CLOCK.getCurrentThreadCpuTime() - start) / 1e9;
          steps.put(way, step);
          if (repeat >= 0) {
            best.merge(way, (step - first) * sample / seconds, Math::max);
          }
        }
      }
    }
    return best;
  }

  /// With a sampling rate of 1 a private step takes every example, as a plain one does.
  private static LongConsumer work(
      Way way, Architecture architecture, TorchModel model, Examples examples, float[] base) {
    int sample = examples.count();
    var training =
        new LocalTraining(
            architecture.binary() ? Loss.BINARY_CROSS_ENTROPY : Loss.SOFTMAX_CROSS_ENTROPY,
            sample,
            new LocalWork.PoissonSteps(1, 1),
            1e-3,
            0,
            0);
    var descent =
        new LocalDescent(
            model,
            examples,
            training,
            new LocalObjective.Plain(),
            base,
            Checkpoint.start(base),
            way != Way.PLAIN);
    int[] rows = IntStream.range(0, sample).toArray();
    return switch (way) {
      case PLAIN -> _ -> descent.step(rows);
      case LOOP ->
          privately(
              descent,
              examples,
              new ExampleLoop(model, architecture, PRIVACY.exampleClip()),
              architecture,
              training,
              base);
      case GHOST ->
          privately(
              descent,
              examples,
              new GhostClipping(model, architecture, PRIVACY.exampleClip()),
              architecture,
              training,
              base);
    };
  }

  private static LongConsumer privately(
      LocalDescent descent,
      Examples examples,
      PerExampleGradients gradients,
      Architecture architecture,
      LocalTraining training,
      float[] base) {
    return new PrivateDescent(
            descent,
            examples,
            gradients,
            new LocalWork.PoissonSteps(1, 1),
            PRIVACY,
            training.batchSize(),
            TrainingKey.derive(new byte[32], terms(architecture, training), base),
            base.length)
        ::step;
  }

  private static UpdateTerms terms(Architecture architecture, LocalTraining training) {
    var digest = Digest.of(new byte[0]);
    var encoding = new Encoding(32, 8);
    return new UpdateTerms(
        new FederationId("benchmark"),
        new RunId(new UUID(0, SEED)),
        RunKind.TRAIN,
        "benchmark",
        "to measure",
        digest,
        digest,
        0,
        architecture,
        digest,
        digest,
        ParameterLayout.of(architecture),
        VectorLayout.of(RunKind.TRAIN, architecture, encoding, 1, 1000, 20, PRIVACY),
        new LocalObjective.Plain(),
        training,
        SEED,
        new Weighting.Uniform(),
        1,
        PRIVACY,
        encoding,
        1000,
        20,
        false);
  }

  private static Examples examples(Architecture architecture, int count) {
    var random = new Random(SEED);
    var features = new float[Math.multiplyExact(count, architecture.inputs())];
    for (int i = 0; i < features.length; i++) {
      features[i] = (float) random.nextGaussian();
    }
    int classes = architecture.binary() ? 2 : architecture.outputs();
    return new Examples(architecture.inputs(), features, random.ints(count, 0, classes).toArray());
  }
}
