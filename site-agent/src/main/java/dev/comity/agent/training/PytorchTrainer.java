package dev.comity.agent.training;

import dev.comity.plan.Architecture;
import dev.comity.plan.Digest;
import dev.comity.plan.LocalWork;
import dev.comity.plan.Noise;
import dev.comity.plan.UpdateTerms;
import dev.comity.update.Metrics;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.function.LongConsumer;

/// Trains in this process with DJL's PyTorch engine, on the calling thread and one libtorch thread.
/// Stateless between calls but for the checkpoints; several threads may train different terms at
/// once.
public final class PytorchTrainer implements Trainer {
  private final Examples train;
  private final Examples test;
  private final CheckpointStore checkpoints;
  private final Duration checkpointInterval;
  private final InstantSource clock;

  /// @param checkpoints folder for the saved states; made when it is missing
  /// @param checkpointInterval how much work a kill may cost; zero saves after every batch
  public PytorchTrainer(
      Examples train,
      Examples test,
      Path checkpoints,
      Duration checkpointInterval,
      InstantSource clock) {
    if (train.width() != test.width()) {
      throw new IllegalArgumentException(
          "examples to train on have %d features, those to test on %d"
              .formatted(train.width(), test.width()));
    }
    this.train = train;
    this.test = test;
    this.checkpoints = new CheckpointStore(checkpoints, train.digest());
    this.checkpointInterval = checkpointInterval;
    this.clock = clock;
  }

  @Override
  public TrainingOutcome train(TrainingRequest request, ProgressListener progress, PauseGate gate)
      throws InterruptedException {
    var terms = request.terms();
    requireSuitable(terms);
    float[] base = request.base();
    var evaluation = evaluation(terms, base);
    return switch (terms.kind()) {
      case TRAIN -> {
        Trained trained =
            terms.noise() instanceof Noise.RecordLevel || labelled(terms.architecture(), train)
                ? descend(request, base, progress, gate)
                : new Trained(base.clone(), false);
        float[] delta = trained.weights();
        for (int i = 0; i < delta.length; i++) {
          delta[i] -= base[i];
        }
        if (terms.noise().isPrivate()) {
          zeroUnlessFinite(delta);
        }
        double weight = terms.weighting().weight(train.count());
        yield new TrainingOutcome(delta, weight, train.count(), evaluation, trained.partial());
      }
      case EVALUATE -> new TrainingOutcome(new float[0], 1, train.count(), evaluation, false);
      case STATISTICS, PERSONALIZE ->
          throw new TrainingRefusedException(
              TrainingRefusedException.Reason.UNSUITABLE,
              "kind %s: this agent trains and evaluates only".formatted(terms.kind()));
    };
  }

  @Override
  public void discard(Digest terms) {
    checkpoints.discard(terms);
  }

  /// A private training that diverged contributes an update of zero like any other update: that it
  /// diverged would tell of the data what nobody reserved for.
  private static void zeroUnlessFinite(float[] delta) {
    for (float each : delta) {
      if (!Float.isFinite(each)) {
        Arrays.fill(delta, 0);
        return;
      }
    }
  }

  /// @param weights flat, in the order of the parameters
  /// @param partial whether time ended it before its last step
  @SuppressWarnings("ArrayRecordComponent") // handed over, never compared
  private record Trained(float[] weights, boolean partial) {}

  private Trained descend(
      TrainingRequest request, float[] base, ProgressListener progress, PauseGate gate)
      throws InterruptedException {
    var terms = request.terms();
    var digest = terms.digest();
    var training = terms.training();
    var batches =
        new BatchSequence(terms.seed(), request.site(), train.count(), training.batchSize());
    long steps = stepsPerRound(training.work(), batches);
    var start = checkpoints.load(digest, base.length).orElseGet(() -> Checkpoint.start(base));
    try (var model =
        new TorchModel(terms.architecture(), Math.min(training.batchSize(), train.count()))) {
      var descent =
          new LocalDescent(
              model, train, training, terms.objective(), base, start, terms.noise().isPrivate());
      var work = steps(request, model, descent, batches);
      long saved = start.steps();
      int told = -1;
      Instant due = clock.instant().plus(checkpointInterval);
      for (long step = start.steps(); ; step++) {
        int tenths = (int) (10 * step / steps);
        if (tenths > told) {
          progress.progress(tenths);
          told = tenths;
        }
        boolean partial = step > 0 && step < steps && late(request);
        boolean end = step == steps || partial;
        boolean stop = Thread.interrupted();
        boolean pause = !end && !stop && !gate.isOpen();
        if (step > saved && (end || stop || pause || !clock.instant().isBefore(due))) {
          checkpoints.save(digest, descent.state(step));
          saved = step;
          due = clock.instant().plus(checkpointInterval);
        }
        if (end) {
          return new Trained(descent.state(step).weights(), partial);
        }
        if (stop) {
          throw new InterruptedException(
              "training interrupted between batches; its state is saved");
        }
        if (pause && step > 0 && request.until().isPresent()) {
          do { // the wait is by another clock than the deadline
            gate.awaitOpen(Duration.between(clock.instant(), request.until().get()));
          } while (!gate.isOpen() && !late(request));
          if (late(request)) {
            return new Trained(descent.state(step).weights(), true);
          }
        } else if (pause) {
          gate.awaitOpen();
        }
        long began = System.nanoTime();
        work.accept(step);
        try {
          gate.worked(Duration.ofNanos(System.nanoTime() - began));
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt(); // the state of this step is saved before it is thrown
        }
      }
    }
  }

  private boolean late(TrainingRequest request) {
    return request.until().isPresent() && !clock.instant().isBefore(request.until().get());
  }

  static long stepsPerRound(LocalWork work, BatchSequence batches) {
    return switch (work) {
      case LocalWork.Epochs(int n) -> Math.multiplyExact((long) n, batches.batchesPerEpoch());
      case LocalWork.Batches(int n) -> n;
      case LocalWork.PoissonSteps(int n, _) -> n;
    };
  }

  /// What a step does, by its number from 0 in this round.
  private LongConsumer steps(
      TrainingRequest request, TorchModel model, LocalDescent descent, BatchSequence batches) {
    var terms = request.terms();
    var training = terms.training();
    return switch (training.work()) {
      case LocalWork.Epochs _, LocalWork.Batches _ -> {
        long first =
            Math.multiplyExact(stepsPerRound(training.work(), batches), (long) terms.baseVersion());
        yield step -> descent.step(batches.batch(first + step));
      }
      case LocalWork.PoissonSteps poisson -> {
        if (!(terms.noise() instanceof Noise.RecordLevel privacy)) {
          throw new IllegalStateException("terms have Poisson steps without record-level privacy");
        }
        yield new PrivateDescent(
                descent,
                train,
                new GhostClipping(model, terms.architecture(), privacy.exampleClip()),
                poisson,
                privacy,
                training.batchSize(),
                request.key().orElseThrow(),
                model.values().capacity())
            ::step;
      }
    };
  }

  /// The base model on the examples to test on. With differential privacy nothing: its metrics
  /// would not travel, and a refusal because of one example would tell of that example.
  private Metrics evaluation(UpdateTerms terms, float[] base) {
    return terms.noise().isPrivate()
        ? Metrics.withoutHistograms(0, 0, 0)
        : new Evaluator(terms.architecture(), terms.lossCap()).evaluate(base, test);
  }

  private void requireSuitable(UpdateTerms terms) {
    suitable(terms, train);
    suitable(terms, test);
  }

  static void suitable(UpdateTerms terms, Examples examples) {
    var architecture = terms.architecture();
    if (examples.width() != architecture.inputs()) {
      throw new TrainingRefusedException(
          TrainingRefusedException.Reason.UNSUITABLE,
          "%s takes %d features, this site's mapping builds %d"
              .formatted(architecture, architecture.inputs(), examples.width()));
    }
    if (terms.noise().isPrivate()) {
      return; // what follows looks at single examples and their number
    }
    if (!labelled(architecture, examples)) {
      throw new TrainingRefusedException(
          TrainingRefusedException.Reason.UNSUITABLE,
          "%s tells %d classes apart, this site's labels name another"
              .formatted(architecture, classes(architecture)));
    }
    if (examples.count() > terms.maxExamples()) {
      throw new TrainingRefusedException(
          TrainingRefusedException.Reason.UNSUITABLE,
          "this site has more examples than the plan's maxExamples %d; the researcher may raise it"
              .formatted(terms.maxExamples()));
    }
  }

  private static int classes(Architecture architecture) {
    return architecture.binary() ? 2 : architecture.outputs();
  }

  /// Whether the model has a class for each label.
  private static boolean labelled(Architecture architecture, Examples examples) {
    int classes = classes(architecture);
    for (int row = 0; row < examples.count(); row++) {
      if (examples.label(row) >= classes) {
        return false;
      }
    }
    return true;
  }
}
