package dev.comity.agent.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.comity.algorithm.LocalObjective;
import dev.comity.plan.Architecture;
import dev.comity.plan.LocalWork;
import dev.comity.plan.RunKind;
import dev.comity.update.RoundingKey;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RecordLevelTrainingTest {
  private static final int WIDTH = 13;
  private static final int COUNT = 40;
  private static final int STEPS = 6;
  private static final Examples TRAIN = TrainingCases.examples(1, COUNT, WIDTH, 2);
  private static final TrainingCases MLP =
      TrainingCases.of(TrainingCases.mlp(WIDTH, 8, 2))
          .optimizer(new LocalObjective.Proximal(0.1), 0.05, 0.9, 0.01)
          .batchSize(10)
          .recordLevel(1.1, 0.5, STEPS, 0.25);

  @TempDir private Path folder;

  @Test
  void withoutNoiseAndClippingAndWithAllExamplesItIsPlainTraining() throws Exception {
    var plain =
        TrainingCases.of(TrainingCases.mlp(WIDTH, 8, 2))
            .optimizer(new LocalObjective.Proximal(0.1), 0.05, 0.9, 0.01)
            .batchSize(COUNT);
    float[] expected =
        train(trainer(TRAIN), plain.work(new LocalWork.Batches(STEPS)).request()).delta();

    float[] delta =
        train(trainer(TRAIN), plain.recordLevel(1e-12, 1e3, STEPS, 1).request()).delta();

    for (int i = 0; i < delta.length; i++) {
      assertThat(delta[i]).isCloseTo(expected[i], within(1e-6f));
    }
  }

  @Test
  void anEqualRequestIsAnsweredByTheSameBitsAndAnotherSecretByOthers() throws Exception {
    float[] once = train(trainer(TRAIN), MLP.request()).delta();
    float[] again = train(trainer(TRAIN, "elsewhere"), MLP.request()).delta();
    float[] other = train(trainer(TRAIN, "other"), MLP.request(MLP.initial(), 2)).delta();

    assertThat(again).isEqualTo(once);
    for (int i = 0; i < once.length; i++) {
      assertThat(other[i]).isNotEqualTo(once[i]);
    }
  }

  @Test
  void otherDataDrawOtherNoise() throws Exception {
    var silent = MLP.recordLevel(1.1, 0.5, STEPS, 1e-12);
    float[] once = train(trainer(TRAIN), silent.request()).delta();

    float[] other =
        train(trainer(TrainingCases.examples(2, COUNT, WIDTH, 2), "other"), silent.request())
            .delta();

    assertThat(other).isNotEqualTo(once); // the difference of two releases is never without noise
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 5, 6})
  void aTrainingKilledBeforeAStepGoesOnToTheSameBits(int step) throws Exception {
    float[] undisturbed = train(trainer(TRAIN, "undisturbed"), MLP.request()).delta();

    assertThatThrownBy(() -> trainer(TRAIN).train(MLP.request(), _ -> {}, killedBefore(step)))
        .isInstanceOf(Killed.class);
    var progress = new ArrayList<Integer>();
    var resumed = trainer(TRAIN).train(MLP.request(), progress::add, PauseGate.alwaysOpen());

    assertThat(resumed.delta()).isEqualTo(undisturbed);
    assertThat(progress.getFirst()).isEqualTo(10 * Math.max(0, step - 2) / STEPS);
  }

  @Test
  void aStepOnAnEmptySampleAddsItsNoise() throws Exception {
    double rate = 0.5;
    double deviation = 1.5 * 0.8;
    int steps = 9;
    var training =
        TrainingCases.of(TrainingCases.mlp(WIDTH, 256, 2))
            .optimizer(new LocalObjective.Plain(), rate, 0, 0)
            .batchSize(10)
            .recordLevel(1.5, 0.8, steps, 1e-12);

    float[] delta = train(trainer(TRAIN), training.request()).delta();

    double squares = 0;
    for (float each : delta) {
      squares += (double) each * each;
    }
    double expected = delta.length * steps * Math.pow(rate * deviation / 10, 2);
    assertThat(squares / expected).isCloseTo(1, within(5 * Math.sqrt(2.0 / delta.length)));
  }

  @Test
  void neitherTheNumberOfExamplesNorOneExampleIsARefusal() throws Exception {
    var few = MLP.limits(20, 20); // fewer than there are
    var features = new float[WIDTH * 3];
    features[0] = Float.NaN;
    features[WIDTH] = Float.MAX_VALUE;
    var odd = new Examples(WIDTH, features, new int[] {0, 0, 77});

    assertThat(train(trainer(TRAIN), few.request()).delta()).isNotEmpty();
    assertThat(train(trainer(odd, "odd"), MLP.request()).delta()).doesNotContain(Float.NaN);
  }

  @Test
  void theUpdateHasNoMetricsAndFitsTheLayoutOfItsTerms() throws Exception {
    var request = MLP.request();

    var outcome = train(trainer(TRAIN), request);

    assertThat(outcome.base().examples()).isZero();
    var terms = request.terms();
    var key = RoundingKey.derive(new byte[32], terms.run(), RunKind.TRAIN, 0, request.base());
    assertThat(
            outcome
                .update()
                .clip(terms.clipNorm())
                .encode(terms.vector(), key)
                .noise(terms.noise()))
        .isNotNull();
  }

  @Test
  void aTrainingThatDivergesContributesZeroAndLooksLikeAnyOther() throws Exception {
    var diverging =
        MLP.optimizer(new LocalObjective.Plain(), 1e38, 0, 0).recordLevel(10, 10, STEPS, 0.25);
    var usual = new ArrayList<Integer>();
    var progress = new ArrayList<Integer>();

    trainer(TRAIN, "usual").train(MLP.request(), usual::add, PauseGate.alwaysOpen());
    var outcome = trainer(TRAIN).train(diverging.request(), progress::add, PauseGate.alwaysOpen());

    assertThat(outcome.delta()).containsOnly(0);
    assertThat(progress).isEqualTo(usual);
    assertThat(outcome.update().clip(1)).isNotNull();
  }

  @Test
  void aDivergedTrainingThatWasKilledGoesOnAndContributesZero() throws Exception {
    var diverging =
        MLP.optimizer(new LocalObjective.Plain(), 1e38, 0, 0).recordLevel(10, 10, STEPS, 0.25);

    assertThatThrownBy(() -> trainer(TRAIN).train(diverging.request(), _ -> {}, killedBefore(5)))
        .isInstanceOf(Killed.class);

    assertThat(train(trainer(TRAIN), diverging.request()).delta()).containsOnly(0);
  }

  @Test
  void aSiteThatDivergesUnderDistributedNoiseContributesZero() throws Exception {
    var diverging =
        TrainingCases.of(TrainingCases.mlp(WIDTH, 8, 2))
            .optimizer(new LocalObjective.Plain(), 1e38, 0, 0)
            .work(new LocalWork.Batches(STEPS))
            .distributed(1);

    assertThat(train(trainer(TRAIN), diverging.request()).delta()).containsOnly(0);
    assertThat(train(trainer(TRAIN), diverging.request()).base().examples()).isZero();
  }

  @Test
  void neitherTheNumberOfExamplesNorALabelIsARefusalUnderDistributedNoise() throws Exception {
    var distributed =
        TrainingCases.of(TrainingCases.mlp(WIDTH, 8, 2))
            .optimizer(new LocalObjective.Plain(), 0.1, 0, 0)
            .work(new LocalWork.Batches(STEPS))
            .distributed(1);
    var few = distributed.limits(20, 20); // fewer than there are
    var odd = new Examples(WIDTH, new float[WIDTH * 3], new int[] {0, 1, 77});

    assertThat(train(trainer(TRAIN), few.request()).delta()).doesNotContain(Float.NaN);
    assertThat(train(trainer(odd, "odd"), distributed.request()).delta()).containsOnly(0);
  }

  @Test
  void aRequestWithoutAKeyIsRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new TrainingRequest(MLP.terms(), TrainingCases.SITE, MLP.initial()))
        .withMessageContaining("record-level differential privacy needs the update's training key");
  }

  /// σ 1.1, q 0.05 and 80 steps are ε < 3 at δ = 10⁻⁵.
  @Test
  void logisticRegressionAndPerceptronLearnUnderAFewEpsilon() throws Exception {
    var train = TrainingCases.examples(3, 2000, 6, 2);
    var test = TrainingCases.examples(4, 1000, 6, 2);
    for (var architecture :
        new Architecture[] {TrainingCases.logistic(6), TrainingCases.mlp(6, 8, 2)}) {
      var training =
          TrainingCases.of(architecture)
              .optimizer(new LocalObjective.Plain(), 0.5, 0, 0)
              .batchSize(100);
      var trainer = trainer(train, test, architecture.family());
      var evaluation = training.kind(RunKind.EVALUATE);

      float[] trained = training.initial();
      float[] delta = train(trainer, training.recordLevel(1.1, 1, 80, 0.05).request()).delta();
      for (int i = 0; i < trained.length; i++) {
        trained[i] += delta[i];
      }

      var metrics = train(trainer, evaluation.request(trained)).base();
      assertThat((double) metrics.correct() / metrics.examples()).isGreaterThan(0.8);
    }
  }

  private PytorchTrainer trainer(Examples train) {
    return trainer(train, "checkpoints");
  }

  private PytorchTrainer trainer(Examples train, String name) {
    return trainer(train, TRAIN, name);
  }

  private PytorchTrainer trainer(Examples train, Examples test, String name) {
    return new PytorchTrainer(
        train, test, folder.resolve(name), Duration.ZERO, InstantSource.system());
  }

  private static TrainingOutcome train(Trainer trainer, TrainingRequest request)
      throws InterruptedException {
    return trainer.train(request, _ -> {}, PauseGate.alwaysOpen());
  }

  /// Stands for kill -9: the trainer gets no chance to save.
  private static final class Killed extends RuntimeException {
    private static final long serialVersionUID = 1L;
  }

  private static PauseGate killedBefore(int step) {
    return new PauseGate() {
      private int asked;

      @Override
      public boolean isOpen() {
        asked++;
        if (asked == step) {
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
}
