package dev.comity.demo;

import dev.comity.agent.data.LocalDataset;
import dev.comity.agent.data.Rows;
import dev.comity.agent.data.Standardisation;
import dev.comity.agent.training.Examples;
import dev.comity.agent.training.PauseGate;
import dev.comity.agent.training.PytorchTrainer;
import dev.comity.agent.training.TrainingRequest;
import dev.comity.algorithm.FederatedAlgorithm;
import dev.comity.algorithm.ServerOptimizer;
import dev.comity.formats.BuiltInModel;
import dev.comity.plan.Architecture;
import dev.comity.plan.DataContract;
import dev.comity.plan.Digest;
import dev.comity.plan.Encoding;
import dev.comity.plan.FederationId;
import dev.comity.plan.LocalTraining;
import dev.comity.plan.Noise;
import dev.comity.plan.ParameterLayout;
import dev.comity.plan.RunId;
import dev.comity.plan.RunKind;
import dev.comity.plan.SiteId;
import dev.comity.plan.UpdateTerms;
import dev.comity.plan.VectorLayout;
import dev.comity.update.Mask;
import dev.comity.update.MaskKey;
import dev.comity.update.Metrics;
import dev.comity.update.RoundingKey;
import dev.comity.update.SumAccumulator;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/// A federation without processes, wire and faults, for many runs in a row: the sites' own code
/// maps data, trains, clips, encodes and masks; the aggregator's own code sums, removes the masks,
/// decodes and takes the server step. Only the keys of the masks are agreed in memory.
final class InProcessFederation {
  private static final Encoding ENCODING = new Encoding(32, 512);
  private static final double LOSS_CAP = 20;

  private final Map<SiteId, LocalDataset> sites;
  private final DataContract contract;
  private final Path checkpoints;
  private final SecureRandom random = new SecureRandom();

  /// @param checkpoints folder for what the trainer saves on its way
  InProcessFederation(Map<SiteId, LocalDataset> sites, DataContract contract, Path checkpoints) {
    this.sites = new LinkedHashMap<>(sites);
    this.contract = contract;
    this.checkpoints = checkpoints;
  }

  /// One run's settings.
  record Setting(
      Architecture architecture,
      FederatedAlgorithm algorithm,
      LocalTraining training,
      int rounds,
      double clipNorm,
      long maxExamples) {}

  /// Accuracies of one model.
  ///
  /// @param meanOfSites mean over the sites of each one's accuracy on its test rows
  /// @param pooled on all test rows, scaled by the statistics of all training rows; only who owns
  ///   all data can compute it
  record Accuracy(double meanOfSites, double pooled) {}

  /// One run from the initial values that follow from `seed`.
  Accuracy run(Setting setting, long seed) throws InterruptedException {
    var model = BuiltInModel.of(setting.architecture().family(), setting.architecture().widths());
    float[] weights = model.initialValues(seed);
    var m = new float[weights.length];
    var v = new float[weights.length];
    for (int version = 0; version < setting.rounds(); version++) {
      var terms = terms(setting, RunKind.TRAIN, seed, version, weights);
      ServerOptimizer.apply(
          setting.algorithm().serverStep(), weights, m, v, maskedMean(terms, weights));
    }
    return accuracy(terms(setting, RunKind.EVALUATE, seed, setting.rounds(), weights), weights);
  }

  /// The weighted mean of the sites' updates, as the aggregator decodes it from masked vectors.
  private float[] maskedMean(UpdateTerms terms, float[] base) throws InterruptedException {
    var names = new ArrayList<>(sites.keySet());
    var own = new ArrayList<byte[]>();
    var shared = new ArrayList<List<byte[]>>();
    for (int i = 0; i < names.size(); i++) {
      own.add(secret());
      var row = new ArrayList<byte[]>();
      for (int j = 0; j < i; j++) {
        row.add(secret());
      }
      shared.add(row);
    }
    var sum = new SumAccumulator(terms.vector(), 1);
    for (int i = 0; i < names.size(); i++) {
      var data = sites.get(names.get(i));
      if (data == null) {
        throw new IllegalStateException("no data of " + names.get(i));
      }
      var trainer = trainer(examples(data.train()), examples(data.test()));
      var outcome =
          trainer.train(
              new TrainingRequest(terms, names.get(i), base), _ -> {}, PauseGate.alwaysOpen());
      trainer.discard(terms.digest());
      var masks = new ArrayList<Mask>();
      masks.add(new Mask(MaskKey.of(own.get(i)), true));
      for (int j = 0; j < names.size(); j++) {
        if (j != i) {
          var key = shared.get(Math.max(i, j)).get(Math.min(i, j));
          masks.add(new Mask(MaskKey.of(key), i < j));
        }
      }
      var rounding =
          RoundingKey.derive(secret(), terms.run(), terms.kind(), terms.baseVersion(), base);
      sum.add(
          outcome
              .update()
              .clip(terms.clipNorm())
              .encode(terms.vector(), rounding)
              .noise(terms.noise())
              .mask(masks));
    }
    // Every site survived: the masks between two sites cancel, only the sites' own are left.
    sum.remove(own.stream().map(key -> new Mask(MaskKey.of(key), true)).toList());
    return sum.decode(names.size()).mean();
  }

  private byte[] secret() {
    var secret = new byte[MaskKey.BYTES];
    random.nextBytes(secret);
    return secret;
  }

  private Accuracy accuracy(UpdateTerms terms, float[] weights) throws InterruptedException {
    double sum = 0;
    for (var data : sites.values()) {
      sum += accuracy(terms, weights, data.train(), data.test());
    }
    var train = sites.values().stream().map(LocalDataset::rawTrain).reduce(Rows::followedBy);
    var test = sites.values().stream().map(LocalDataset::rawTest).reduce(Rows::followedBy);
    var scale = Standardisation.of(train.orElseThrow());
    return new Accuracy(
        sum / sites.size(),
        accuracy(
            terms, weights, scale.apply(train.orElseThrow()), scale.apply(test.orElseThrow())));
  }

  private double accuracy(UpdateTerms terms, float[] weights, Rows train, Rows test)
      throws InterruptedException {
    Metrics metrics =
        trainer(examples(train), examples(test))
            .train(
                new TrainingRequest(terms, new SiteId("benchmark"), weights),
                _ -> {},
                PauseGate.alwaysOpen())
            .base();
    return (double) metrics.correct() / metrics.examples();
  }

  private PytorchTrainer trainer(Examples train, Examples test) {
    return new PytorchTrainer(
        train, test, checkpoints, Duration.ofHours(1), InstantSource.system());
  }

  private static Examples examples(Rows rows) {
    return new Examples(rows.width(), rows.features(), rows.labels());
  }

  private UpdateTerms terms(
      Setting setting, RunKind kind, long seed, int version, float[] weights) {
    var base = digest(weights);
    var architecture = setting.architecture();
    return new UpdateTerms(
        new FederationId("benchmark"),
        new RunId(new UUID(0, seed)),
        kind,
        "benchmark",
        "reproduce published figures",
        contract.digest(),
        base,
        version,
        architecture,
        base,
        base,
        ParameterLayout.of(architecture),
        VectorLayout.of(
            kind, architecture, ENCODING, setting.clipNorm(), setting.maxExamples(), LOSS_CAP),
        setting.algorithm().localObjective(),
        setting.training(),
        seed,
        setting.algorithm().weighting(),
        setting.clipNorm(),
        new Noise.None(),
        ENCODING,
        setting.maxExamples(),
        LOSS_CAP,
        false);
  }

  private static Digest digest(float[] weights) {
    var bytes = ByteBuffer.allocate(weights.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(weights);
    return Digest.of(bytes.array());
  }
}
