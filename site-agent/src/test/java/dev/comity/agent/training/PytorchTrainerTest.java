package dev.comity.agent.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.assertj.core.api.Assertions.within;

import dev.comity.algorithm.LocalObjective;
import dev.comity.plan.LocalWork;
import dev.comity.plan.RunKind;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PytorchTrainerTest {
  private static final int WIDTH = 13;
  private static final Examples TRAIN = TrainingCases.examples(1, 30, WIDTH, 2);
  private static final Examples TEST = TrainingCases.examples(2, 50, WIDTH, 2);
  private static final TrainingCases LOGISTIC = TrainingCases.of(TrainingCases.logistic(WIDTH));
  private static final TrainingCases MLP =
      TrainingCases.of(TrainingCases.mlp(WIDTH, 8, 2))
          .optimizer(new LocalObjective.Proximal(0.1), 0.05, 0.9, 0.01);

  @TempDir private Path folder;
  private Path checkpoints;

  @BeforeEach
  void useAFreshFolder() {
    checkpoints = folder.resolve("checkpoints");
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void trainingFollowsTheWrittenRuleOfTheOptimizer(boolean proximal) throws Exception {
    var objective =
        proximal ? new LocalObjective.Proximal(0.5) : (LocalObjective) new LocalObjective.Plain();
    var training = LOGISTIC.optimizer(objective, 0.05, 0.8, 0.02);

    float[] delta = train(trainer(), training.request()).delta();

    double[] expected = referenceDelta(training, proximal ? 0.5 : 0);
    for (int i = 0; i < delta.length; i++) {
      assertThat((double) delta[i]).isCloseTo(expected[i], within(1e-5));
    }
  }

  @Test
  void aPerceptronOfSeveralLayersLearnsItsClasses() throws Exception {
    var examples = TrainingCases.examples(3, 400, 6, 3);
    var training =
        TrainingCases.of(TrainingCases.mlp(6, 16, 3))
            .work(new LocalWork.Epochs(20))
            .optimizer(new LocalObjective.Plain(), 0.05, 0.9, 0);
    var trainer = trainer(examples, examples, checkpoints);
    var outcome = train(trainer, training.request());

    float[] trained = sum(training.initial(), outcome.delta());
    var after = train(trainer, training.kind(RunKind.EVALUATE).request(trained)).base();

    assertThat(after.lossSum()).isLessThan(0.6 * outcome.base().lossSum());
    assertThat(after.correct()).isGreaterThan(after.examples() * 3 / 4);
  }

  @Test
  void twoRoundsOfHalfTheBatchesAreOneRoundOfAll() throws Exception {
    var half = LOGISTIC.work(new LocalWork.Batches(9));
    var whole = LOGISTIC.work(new LocalWork.Batches(18));

    float[] first = sum(half.initial(), train(trainer(), half.request()).delta());
    float[] second = sum(first, train(trainer(), half.baseVersion(1).request(first)).delta());

    float[] expected = sum(whole.initial(), train(trainer(), whole.request()).delta());
    for (int i = 0; i < expected.length; i++) {
      assertThat(second[i]).isCloseTo(expected[i], within(1e-6f));
    }
  }

  @Test
  void anEqualRequestIsAnsweredByTheSameBits() throws Exception {
    float[] once = train(trainer(), MLP.request()).delta();
    float[] again = train(trainer(TRAIN, TEST, folder.resolve("elsewhere")), MLP.request()).delta();

    assertThat(again).isEqualTo(once);
  }

  @Test
  void partOfTheWorkIsTheStepsThatWereDoneInTime() throws Exception {
    var time = new SteppingClock(Duration.ZERO);
    Instant until = Instant.EPOCH.plusSeconds(60);
    var gate = new TimeLimit(time, until, 6, true);

    var part = trainer(time).train(MLP.request().until(until), _ -> {}, gate);

    var six = train(trainer(), MLP.work(new LocalWork.Batches(6)).request());
    assertThat(part.partial()).isTrue();
    assertThat(six.partial()).isFalse();
    assertThat(part.delta()).isEqualTo(six.delta());
  }

  @Test
  void aSiteWhoseGateStaysClosedGivesWhatItHasWhenItsTimeIsUp() throws Exception {
    var time = new SteppingClock(Duration.ZERO);
    Instant until = Instant.EPOCH.plusSeconds(60);
    var gate = new TimeLimit(time, until, 6, false);

    var part = trainer(time).train(MLP.request().until(until), _ -> {}, gate);

    assertThat(part.partial()).isTrue();
    assertThat(part.delta())
        .isEqualTo(train(trainer(), MLP.work(new LocalWork.Batches(5)).request()).delta());
  }

  @Test
  void partOfTheWorkIsAtLeastOneStep() throws Exception {
    var time = new SteppingClock(Duration.ofSeconds(1));

    var part =
        trainer(time).train(MLP.request().until(Instant.EPOCH), _ -> {}, PauseGate.alwaysOpen());

    assertThat(part.partial()).isTrue();
    assertThat(part.delta())
        .isEqualTo(train(trainer(), MLP.work(new LocalWork.Batches(1)).request()).delta());
  }

  @Test
  void whatIsDoneInTimeIsWhole() throws Exception {
    var time = new SteppingClock(Duration.ZERO);

    var outcome =
        trainer(time)
            .train(
                MLP.request().until(Instant.EPOCH.plusSeconds(60)),
                _ -> {},
                PauseGate.alwaysOpen());

    assertThat(outcome.partial()).isFalse();
    assertThat(outcome.delta()).isEqualTo(train(trainer(), MLP.request()).delta());
  }

  private PytorchTrainer trainer(InstantSource time) {
    return new PytorchTrainer(TRAIN, TEST, folder.resolve("in time"), Duration.ofHours(1), time);
  }

  /// Before step `last`, counted from 1, it closes until the time is up, or stays open and lets it
  /// be up at once.
  private record TimeLimit(
      SteppingClock time, Instant until, AtomicInteger asked, int last, boolean open)
      implements PauseGate {
    TimeLimit(SteppingClock time, Instant until, int last, boolean open) {
      this(time, until, new AtomicInteger(), last, open);
    }

    @Override
    public boolean isOpen() {
      if (asked.incrementAndGet() < last) {
        return true;
      }
      if (open) {
        time.now = until;
      }
      return open;
    }

    @Override
    public void awaitOpen() {
      throw new AssertionError("a training with a time limit waits no longer than that");
    }

    @Override
    public void awaitOpen(Duration longest) {
      time.now = time.now.plus(longest);
    }
  }

  @Test
  void trainingsAtTheSameTimeGiveTheBitsOfTrainingsAlone() throws Exception {
    var wide =
        TrainingCases.of(TrainingCases.mlp(WIDTH, 512, 512, 2))
            .optimizer(new LocalObjective.Plain(), 0.05, 0.9, 0);
    var trainer =
        new PytorchTrainer(TRAIN, TEST, checkpoints, Duration.ofHours(1), InstantSource.system());
    var alone = new ArrayList<float[]>();
    for (int version = 0; version < 4; version++) {
      alone.add(train(trainer, wide.baseVersion(version).request()).delta());
      trainer.discard(wide.baseVersion(version).terms().digest());
    }

    try (var pool = Executors.newFixedThreadPool(4)) {
      var together = new ArrayList<Future<float[]>>();
      for (int version = 0; version < 4; version++) {
        var request = wide.baseVersion(version).request();
        together.add(pool.submit(() -> train(trainer, request).delta()));
      }
      for (int version = 0; version < 4; version++) {
        assertThat(together.get(version).get()).isEqualTo(alone.get(version));
      }
    }
    assertThat(alone.get(1)).isNotEqualTo(alone.get(0));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 7, 12, 16, 17})
  void aTrainingKilledBeforeABatchGoesOnToTheSameBits(int batch) throws Exception {
    float[] undisturbed =
        train(trainer(TRAIN, TEST, folder.resolve("undisturbed")), MLP.request()).delta();

    assertThatThrownBy(() -> trainer().train(MLP.request(), tenths -> {}, killedBefore(batch)))
        .isInstanceOf(Killed.class);
    var progress = new ArrayList<Integer>();
    float[] resumed = trainer().train(MLP.request(), progress::add, PauseGate.alwaysOpen()).delta();

    assertThat(resumed).isEqualTo(undisturbed);
    assertThat(progress.getFirst()).isEqualTo(10 * Math.max(0, batch - 2) / 17);
  }

  @Test
  void aTrainingKilledAgainAndAgainEndsWithTheSameBits() throws Exception {
    float[] undisturbed =
        train(trainer(TRAIN, TEST, folder.resolve("undisturbed")), MLP.request()).delta();

    int kills = 0;
    float[] resumed = new float[0];
    while (resumed.length == 0) {
      try {
        resumed = trainer().train(MLP.request(), tenths -> {}, killedBefore(3)).delta();
      } catch (Killed killed) {
        kills++;
      }
    }

    assertThat(kills).isEqualTo(15);
    assertThat(resumed).isEqualTo(undisturbed);
  }

  @Test
  void aCheckpointIsWrittenAtTheIntervalAndNotMoreOften() throws Exception {
    var clock = new SteppingClock(Duration.ofSeconds(1));
    var trainer = new PytorchTrainer(TRAIN, TEST, checkpoints, Duration.ofSeconds(6), clock);

    assertThatThrownBy(() -> trainer.train(LOGISTIC.request(), tenths -> {}, killedBefore(4)))
        .isInstanceOf(Killed.class);
    assertThat(checkpoints).doesNotExist();

    assertThatThrownBy(() -> trainer.train(LOGISTIC.request(), tenths -> {}, killedBefore(10)))
        .isInstanceOf(Killed.class);
    assertThat(checkpoints).isNotEmptyDirectory();
  }

  @Test
  void aDamagedCheckpointIsIgnored() throws Exception {
    float[] undisturbed =
        train(trainer(TRAIN, TEST, folder.resolve("undisturbed")), MLP.request()).delta();

    for (int damage = 0; damage < 3; damage++) {
      assertThatThrownBy(() -> trainer().train(MLP.request(), tenths -> {}, killedBefore(9)))
          .isInstanceOf(Killed.class);
      damage(damage);
      var progress = new ArrayList<Integer>();
      var outcome = trainer().train(MLP.request(), progress::add, PauseGate.alwaysOpen());

      assertThat(progress).startsWith(0);
      assertThat(outcome.delta()).isEqualTo(undisturbed);
      trainer().discard(MLP.terms().digest());
      assertThat(checkpoints).isEmptyDirectory();
    }
  }

  @Test
  void aCheckpointOfOtherExamplesIsIgnored() throws Exception {
    var others = TrainingCases.examples(9, 30, WIDTH, 2);
    float[] expected =
        train(trainer(others, TEST, folder.resolve("undisturbed")), MLP.request()).delta();

    assertThatThrownBy(() -> trainer().train(MLP.request(), tenths -> {}, killedBefore(9)))
        .isInstanceOf(Killed.class);

    assertThat(train(trainer(others, TEST, checkpoints), MLP.request()).delta())
        .isEqualTo(expected);
  }

  @Test
  void anInterruptedTrainingSavesItsStateFirst() throws Exception {
    float[] undisturbed =
        train(trainer(TRAIN, TEST, folder.resolve("undisturbed")), MLP.request()).delta();
    var hourly =
        new PytorchTrainer(TRAIN, TEST, checkpoints, Duration.ofHours(1), InstantSource.system());

    assertThatThrownBy(() ->
            hourly.train(
                MLP.request(),
                tenths -> {
                  if (tenths == 5) {
                    Thread.currentThread().interrupt();
                  }
                },
                PauseGate.alwaysOpen()))
        .isInstanceOf(InterruptedException.class);
    var progress = new ArrayList<Integer>();
    var outcome = hourly.train(MLP.request(), progress::add, PauseGate.alwaysOpen());

    assertThat(progress).startsWith(5);
    assertThat(outcome.delta()).isEqualTo(undisturbed);
  }

  @Test
  void aClosedGateHoldsTheNextBatchAndTheStateIsSavedBeforeTheWait() throws Exception {
    float[] undisturbed =
        train(trainer(TRAIN, TEST, folder.resolve("undisturbed")), MLP.request()).delta();
    var hourly =
        new PytorchTrainer(TRAIN, TEST, checkpoints, Duration.ofHours(1), InstantSource.system());
    var savedAtPause = new ArrayList<Boolean>();
    var gate =
        new PauseGate() {
          private int asked;

          @Override
          public boolean isOpen() {
            asked++;
            return asked % 5 != 0;
          }

          @Override
          public void awaitOpen() {
            savedAtPause.add(Files.exists(checkpoints));
          }

          @Override
          public void awaitOpen(Duration longest) {
            throw new AssertionError("this training waits for as long as it takes");
          }
        };

    var outcome = hourly.train(MLP.request(), tenths -> {}, gate);

    assertThat(savedAtPause).containsExactly(true, true, true);
    assertThat(outcome.delta()).isEqualTo(undisturbed);
  }

  @Test
  void aRestBetweenBatchesThatIsInterruptedSavesTheBatchBeforeIt() throws Exception {
    float[] undisturbed =
        train(trainer(TRAIN, TEST, folder.resolve("undisturbed")), MLP.request()).delta();
    var hourly =
        new PytorchTrainer(TRAIN, TEST, checkpoints, Duration.ofHours(1), InstantSource.system());
    var worked = new ArrayList<Duration>();
    var gate =
        new PauseGate() {
          @Override
          public boolean isOpen() {
            return true;
          }

          @Override
          public void awaitOpen() {}

          @Override
          public void awaitOpen(Duration longest) {}

          @Override
          public void worked(Duration batch) throws InterruptedException {
            worked.add(batch);
            if (worked.size() == 9) {
              throw new InterruptedException("stopped in its rest");
            }
          }
        };

    assertThatThrownBy(() -> hourly.train(MLP.request(), tenths -> {}, gate))
        .isInstanceOf(InterruptedException.class);
    var progress = new ArrayList<Integer>();
    var outcome = hourly.train(MLP.request(), progress::add, gate);

    assertThat(progress).startsWith(10 * 9 / 17);
    assertThat(worked).as("one for each batch of both trainings").hasSize(17);
    assertThat(worked).allMatch(Duration::isPositive);
    assertThat(outcome.delta()).isEqualTo(undisturbed);
  }

  @Test
  void progressRisesInTenths() throws Exception {
    var progress = new ArrayList<Integer>();

    trainer().train(LOGISTIC.request(), progress::add, PauseGate.alwaysOpen());

    assertThat(progress).containsExactly(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
  }

  @Test
  void aTrainingWhoseNumbersAreNoLongerFiniteIsRefusedWithoutANumber() {
    var diverging =
        MLP.optimizer(new LocalObjective.Plain(), 1e30, 0, 0).work(new LocalWork.Epochs(3));

    var refusal =
        catchThrowableOfType(
            TrainingRefusedException.class, () -> train(trainer(), diverging.request()));

    assertThat(refusal.reason()).isEqualTo(TrainingRefusedException.Reason.DIVERGED);
    assertThat(refusal).hasMessageContaining("diverged").hasMessageContaining("learningRate");
    assertThat(refusal.getMessage()).doesNotContainPattern("[0-9]");
  }

  @Test
  void aModelOfAnotherWidthAndTooManyExamplesAreRefused() {
    assertThatThrownBy(
            () -> train(trainer(), TrainingCases.of(TrainingCases.logistic(5)).request()))
        .isInstanceOf(TrainingRefusedException.class)
        .hasMessageContaining("takes 5 features, this site's mapping builds 13");
    assertThatThrownBy(() -> train(trainer(), LOGISTIC.limits(20, 20).request()))
        .isInstanceOf(TrainingRefusedException.class)
        .hasMessageContaining("maxExamples 20");
    assertThatThrownBy(() ->
            train(
                trainer(TrainingCases.examples(1, 30, WIDTH, 5), TEST, checkpoints),
                LOGISTIC.request()))
        .isInstanceOf(TrainingRefusedException.class)
        .hasMessageContaining("tells 2 classes apart");
  }

  @Test
  void theBaseModelIsEvaluatedByCappedLossCorrectOnesAndHistograms() throws Exception {
    var examples = new Examples(1, new float[] {-30, -1, 0.5f, 2, 40}, new int[] {1, 0, 0, 1, 1});
    var training =
        TrainingCases.of(TrainingCases.logistic(1)).kind(RunKind.EVALUATE).limits(100, 20);

    var outcome =
        train(trainer(examples, examples, checkpoints), training.request(new float[] {1, 0}));

    var metrics = outcome.base();
    assertThat(outcome.delta()).isEmpty();
    assertThat(metrics.examples()).isEqualTo(5);
    assertThat(metrics.correct()).isEqualTo(3); // −1, 2 and 40
    assertThat(metrics.lossSum())
        .isCloseTo(
            20 + Math.log1p(Math.exp(-1)) + Math.log1p(Math.exp(0.5)) + Math.log1p(Math.exp(-2)),
            within(1e-12));
    assertThat(binsWithAnExample(metrics.negatives())).containsExactly(8, 19); // .2689, .6225
    assertThat(binsWithAnExample(metrics.positives())).containsExactly(0, 28, 31); // .8808
  }

  @Test
  void theOutcomeTellsNothingOfItself() throws Exception {
    var outcome = train(trainer(), LOGISTIC.request());

    assertThat(outcome.toString()).isEqualTo("TrainingOutcome[redacted]");
    assertThat(TRAIN.toString()).doesNotContain("30");
  }

  @Test
  void aSiteAloneTrainsForAsManyStepsAsInTheWholeRun() throws Exception {
    var baseline = new LocalBaseline(TRAIN, TEST);
    var round = LOGISTIC.work(new LocalWork.Batches(9));
    var whole = LOGISTIC.work(new LocalWork.Batches(36));
    float[] trained = sum(whole.initial(), train(trainer(), whole.request()).delta());
    var expected = train(trainer(), whole.kind(RunKind.EVALUATE).request(trained)).base();

    double accuracy =
        baseline.accuracy(
            round.terms(), TrainingCases.SITE, 4, round.initial(), PauseGate.alwaysOpen());

    assertThat(accuracy).isEqualTo(expected.correct() / 50.0);
  }

  private PytorchTrainer trainer() {
    return trainer(TRAIN, TEST, checkpoints);
  }

  private static PytorchTrainer trainer(Examples train, Examples test, Path checkpoints) {
    return new PytorchTrainer(train, test, checkpoints, Duration.ZERO, InstantSource.system());
  }

  private static TrainingOutcome train(Trainer trainer, TrainingRequest request)
      throws InterruptedException {
    return trainer.train(request, tenths -> {}, PauseGate.alwaysOpen());
  }

  /// The same training in float64 with the gradient written out.
  private static double[] referenceDelta(TrainingCases training, double mu) {
    float[] base = training.initial();
    var weights = new double[WIDTH + 1];
    var velocity = new double[WIDTH + 1];
    for (int i = 0; i <= WIDTH; i++) {
      weights[i] = base[i];
    }
    var batches =
        new BatchSequence(
            TrainingCases.SEED, TrainingCases.SITE, TRAIN.count(), training.batchSize());
    for (int step = 0; step < 17; step++) {
      int[] rows = batches.batch(step);
      var gradient = new double[WIDTH + 1];
      for (int row : rows) {
        var features = FloatBuffer.allocate(WIDTH);
        TRAIN.copyFeatures(row, features, 0);
        double logit = weights[WIDTH];
        for (int i = 0; i < WIDTH; i++) {
          logit += weights[i] * features.get(i);
        }
        double error = (1 / (1 + Math.exp(-logit)) - TRAIN.label(row)) / rows.length;
        for (int i = 0; i < WIDTH; i++) {
          gradient[i] += error * features.get(i);
        }
        gradient[WIDTH] += error;
      }
      for (int i = 0; i <= WIDTH; i++) {
        double direction =
            gradient[i] + training.weightDecay() * weights[i] + mu * (weights[i] - base[i]);
        velocity[i] = training.momentum() * velocity[i] + direction;
        weights[i] -= training.learningRate() * velocity[i];
      }
    }
    for (int i = 0; i <= WIDTH; i++) {
      weights[i] -= base[i];
    }
    return weights;
  }

  private static float[] sum(float[] left, float[] right) {
    var sum = left.clone();
    for (int i = 0; i < sum.length; i++) {
      sum[i] += right[i];
    }
    return sum;
  }

  private static List<Integer> binsWithAnExample(List<Long> histogram) {
    var bins = new ArrayList<Integer>();
    for (int bin = 0; bin < histogram.size(); bin++) {
      if (histogram.get(bin) > 0) {
        bins.add(bin);
      }
    }
    return bins;
  }

  /// 0 truncates the file, 1 changes a weight, 2 empties it.
  private void damage(int kind) {
    try (var files = Files.list(checkpoints)) {
      var file = files.findFirst().orElseThrow();
      byte[] bytes = Files.readAllBytes(file);
      switch (kind) {
        case 0 -> Files.write(file, Arrays.copyOf(bytes, bytes.length - 1));
        case 1 -> {
          bytes[100] ^= 1;
          Files.write(file, bytes);
        }
        default -> Files.write(file, new byte[0]);
      }
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }

  /// Stands for kill -9: the trainer gets no chance to save.
  private static final class Killed extends RuntimeException {
    private static final long serialVersionUID = 1L;
  }

  private static PauseGate killedBefore(int batch) {
    return new PauseGate() {
      private int asked;

      @Override
      public boolean isOpen() {
        asked++;
        if (asked == batch) {
          throw new Killed();
        }
        return true;
      }

      @Override
      public void awaitOpen() {
        throw new AssertionError("the gate never closes");
      }

      @Override
      public void awaitOpen(Duration longest) {
        awaitOpen();
      }
    };
  }

  /// Moves on by a step whenever it is read.
  private static final class SteppingClock implements InstantSource {
    private final Duration step;
    private Instant now = Instant.EPOCH;

    SteppingClock(Duration step) {
      this.step = step;
    }

    @Override
    public Instant instant() {
      now = now.plus(step);
      return now;
    }
  }
}
