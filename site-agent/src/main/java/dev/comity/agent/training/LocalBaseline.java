package dev.comity.agent.training;

import dev.comity.algorithm.LocalObjective;
import dev.comity.plan.SiteId;
import dev.comity.plan.UpdateTerms;
import java.time.Duration;

/// What this site reaches alone: the run's model, trained from the run's first version on this
/// site's examples only, for as many steps as the site takes in the whole run. The result is the
/// site's own and is not sent.
public final class LocalBaseline {
  private final Examples train;
  private final Examples test;

  public LocalBaseline(Examples train, Examples test) {
    this.train = train;
    this.test = test;
  }

  /// The accuracy, in [0, 1], on this site's test examples of the model that it trains alone.
  ///
  /// @param rounds committed rounds of the run, >= 1
  /// @param initial parameters of version 0, flat
  /// @throws TrainingRefusedException if the terms do not fit the examples, or the training
  ///   diverges
  public double accuracy(
      UpdateTerms terms, SiteId site, int rounds, float[] initial, PauseGate gate)
      throws InterruptedException {
    if (rounds < 1) {
      throw new IllegalArgumentException("a run has at least one round, was asked for " + rounds);
    }
    PytorchTrainer.suitable(terms, train);
    PytorchTrainer.suitable(terms, test);
    var training = terms.training();
    var batches = new BatchSequence(terms.seed(), site, train.count(), training.batchSize());
    long steps =
        Math.multiplyExact(PytorchTrainer.stepsPerRound(training.work(), batches), (long) rounds);
    float[] trained;
    try (var model =
        new TorchModel(terms.architecture(), Math.min(training.batchSize(), train.count()))) {
      var descent =
          new LocalDescent(
              model,
              train,
              training,
              new LocalObjective.Plain(),
              initial,
              Checkpoint.start(initial),
              false);
      for (long step = 0; step < steps; step++) {
        if (Thread.interrupted()) {
          throw new InterruptedException("local baseline interrupted between batches");
        }
        if (!gate.isOpen()) {
          gate.awaitOpen();
        }
        long began = System.nanoTime();
        descent.step(batches.batch(step));
        gate.worked(Duration.ofNanos(System.nanoTime() - began));
      }
      trained = descent.state(steps).weights();
    }
    var metrics = new Evaluator(terms.architecture(), terms.lossCap()).evaluate(trained, test);
    return (double) metrics.correct() / metrics.examples();
  }
}
