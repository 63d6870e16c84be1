package dev.comity.demo;

import dev.comity.agent.data.LocalDataset;
import dev.comity.agent.data.Rows;
import dev.comity.agent.data.SiteMapping;
import dev.comity.agent.training.Examples;
import dev.comity.agent.training.PauseGate;
import dev.comity.agent.training.PytorchTrainer;
import dev.comity.agent.training.TrainingOutcome;
import dev.comity.agent.training.TrainingRequest;
import dev.comity.formats.BuiltInModel;
import dev.comity.plan.Digest;
import dev.comity.plan.FederationId;
import dev.comity.plan.LocalWork;
import dev.comity.plan.ModelVersion;
import dev.comity.plan.RunId;
import dev.comity.plan.RunKind;
import dev.comity.plan.SiteId;
import dev.comity.plan.UpdateTerms;
import dev.comity.update.Metrics;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;

/// FedProx's experiment on sites that cannot finish in time (Li et al. 2020, section 5.2): in each
/// round some sites are drawn, a share of them are stragglers, and a straggler has time for a
/// number of epochs drawn from 1 to all. Either their work is dropped, as FedAvg does, or what they
/// did in time is kept.
///
/// Sites train with the agent's trainer and its partial work; the updates are averaged in the
/// clear, since a round of one site that is left has no session.
final class Stragglers {
  private static final FederationId FEDERATION = new FederationId("stragglers");
  private static final Duration NEVER = Duration.ofDays(36_500);

  private final PlannedStudy study;
  private final List<LocalDataset> sites;
  private final int cohort;
  private final long seed;
  private final Path folder;
  private final ExecutorService pool;

  /// @param study its work is in epochs
  /// @param cohort sites of a round
  /// @param seed of the model, the draws of sites and stragglers, and the batches
  /// @param folder for checkpoints
  /// @param pool trains the sites of a round beside each other
  Stragglers(
      PlannedStudy study,
      List<SiteFolder> sites,
      int cohort,
      long seed,
      Path folder,
      ExecutorService pool) {
    this.study = study;
    this.sites =
        sites.stream().map(site -> LocalDataset.read(SiteMapping.read(site.mapping()))).toList();
    this.cohort = cohort;
    this.seed = seed;
    this.folder = folder;
    this.pool = pool;
  }

  /// Where a run stands after `round` rounds.
  ///
  /// @param loss mean over all training examples of all sites
  /// @param accuracy on all test examples of all sites
  record Point(int round, double loss, double accuracy) {}

  /// Runs `rounds` rounds and looks at the model every `every` rounds and at the end.
  ///
  /// @param percent of a cohort that are stragglers
  /// @param keep whether their partial work counts
  List<Point> run(int rounds, int every, int percent, boolean keep) throws InterruptedException {
    float[] weights =
        BuiltInModel.of(study.architecture().family(), study.architecture().widths())
            .initialValues(seed);
    var points = new ArrayList<Point>();
    points.add(look(0, weights));
    for (int round = 1; round <= rounds; round++) {
      advance(weights, round, percent, keep);
      if (round % every == 0 || round == rounds) {
        points.add(look(round, weights));
      }
    }
    return points;
  }

  private void advance(float[] weights, int round, int percent, boolean keep)
      throws InterruptedException {
    var random = new Random(1_000_003 * seed + round);
    var drawn = new ArrayList<Integer>();
    for (int site = 0; site < sites.size(); site++) {
      drawn.add(site);
    }
    Collections.shuffle(drawn, random);
    int stragglers = Math.round(cohort * percent / 100f);
    var terms = study.terms(RunKind.TRAIN, version(round - 1), seed);
    var work = new ArrayList<Callable<TrainingOutcome>>();
    for (int i = 0; i < cohort; i++) {
      int site = drawn.get(i);
      int inTime = 1 + random.nextInt(epochs());
      if (i >= stragglers) {
        work.add(() -> train(terms, site, weights, epochs()));
      } else if (keep) {
        work.add(() -> train(terms, site, weights, inTime));
      }
    }
    var outcomes = all(work);
    double examples = outcomes.stream().mapToLong(TrainingOutcome::examples).sum();
    var step = new double[weights.length];
    for (var outcome : outcomes) {
      float[] delta = outcome.delta();
      for (int i = 0; i < step.length; i++) {
        step[i] += outcome.examples() / examples * delta[i];
      }
    }
    for (int i = 0; i < step.length; i++) {
      weights[i] += (float) step[i];
    }
  }

  private int epochs() {
    return switch (study.training().work()) {
      case LocalWork.Epochs(int n) -> n;
      case LocalWork.Batches _, LocalWork.PoissonSteps _ ->
          throw new IllegalStateException("the study's work is in epochs");
    };
  }

  /// Trains for `epochs` epochs: a clock that counts steps says when the time is up.
  private TrainingOutcome train(UpdateTerms terms, int site, float[] weights, int epochs)
      throws InterruptedException {
    var data = sites.get(site);
    var time = new StepClock();
    var trainer = trainer(data.train(), data.test(), site, time);
    long batches = Math.ceilDiv(data.train().count(), study.training().batchSize());
    var whole = new TrainingRequest(terms, id(site), weights);
    var outcome =
        trainer.train(whole.until(Instant.EPOCH.plusSeconds(epochs * batches)), _ -> {}, time);
    trainer.discard(terms.digest());
    return outcome;
  }

  private Point look(int round, float[] weights) throws InterruptedException {
    var train = new ArrayList<Callable<Metrics>>();
    var test = new ArrayList<Callable<Metrics>>();
    for (int site = 0; site < sites.size(); site++) {
      int each = site;
      train.add(() -> evaluate(weights, each, sites.get(each).train()));
      test.add(() -> evaluate(weights, each, sites.get(each).test()));
    }
    double loss = 0;
    double seen = 0;
    for (var metrics : all(train)) {
      loss += metrics.lossSum();
      seen += metrics.examples();
    }
    double correct = 0;
    double tested = 0;
    for (var metrics : all(test)) {
      correct += metrics.correct();
      tested += metrics.examples();
    }
    return new Point(round, loss / seen, correct / tested);
  }

  private Metrics evaluate(float[] weights, int site, Rows rows) throws InterruptedException {
    var terms = study.terms(RunKind.EVALUATE, version(0), seed);
    return trainer(rows, rows, site, InstantSource.system())
        .train(new TrainingRequest(terms, id(site), weights), _ -> {}, PauseGate.alwaysOpen())
        .base();
  }

  private PytorchTrainer trainer(Rows train, Rows test, int site, InstantSource time) {
    return new PytorchTrainer(
        examples(train), examples(test), folder.resolve(id(site).value()), NEVER, time);
  }

  private <T> List<T> all(List<Callable<T>> work) throws InterruptedException {
    var results = new ArrayList<T>();
    try {
      for (var one : pool.invokeAll(work)) {
        results.add(one.get());
      }
    } catch (ExecutionException failed) {
      throw new IllegalStateException("a site failed", failed.getCause());
    }
    return results;
  }

  /// Named for its number alone: nothing here is kept.
  private ModelVersion version(int number) {
    Optional<Digest> parent = number == 0 ? Optional.empty() : Optional.of(digest("parent"));
    return new ModelVersion(
        FEDERATION,
        new RunId(new UUID(0, seed)),
        number,
        parent,
        study.architecture(),
        digest("weights"),
        digest("optimizer state"),
        study.parameters(),
        parent.map(_ ->
            new ModelVersion.Origin(
                number,
                digest("plan"),
                digest("sum"),
                digest("transcript"),
                List.of(id(0)),
                study.algorithm().serverStep())));
  }

  private static Digest digest(String text) {
    return Digest.of(text.getBytes(StandardCharsets.UTF_8));
  }

  private static SiteId id(int site) {
    return new SiteId(SyntheticFederation.siteName(site + 1));
  }

  private static Examples examples(Rows rows) {
    return new Examples(rows.width(), rows.features(), rows.labels());
  }

  /// Moves on by a second with every step, before which the gate is asked. Confined to one thread.
  private static final class StepClock implements InstantSource, PauseGate {
    private long steps;

    @Override
    public Instant instant() {
      return Instant.EPOCH.plusSeconds(steps);
    }

    @Override
    public boolean isOpen() {
      steps++;
      return true;
    }

    @Override
    public void awaitOpen() {}

    @Override
    public void awaitOpen(Duration longest) {}
  }
}
