package dev.comity.demo;

import dev.comity.agent.data.LocalDataset;
import dev.comity.agent.data.Rows;
import dev.comity.agent.data.SiteMapping;
import dev.comity.agent.data.Standardisation;
import dev.comity.agent.training.PauseGate;
import dev.comity.agent.training.TrainingRequest;
import dev.comity.algorithm.ServerOptimizer;
import dev.comity.formats.BuiltInModel;
import dev.comity.formats.OptimizerStateFile;
import dev.comity.formats.WeightsFile;
import dev.comity.formats.WeightsProvenance;
import dev.comity.membership.ArchitecturePattern;
import dev.comity.membership.MembershipEpoch;
import dev.comity.membership.MessageKey;
import dev.comity.plan.Digest;
import dev.comity.plan.FederationId;
import dev.comity.plan.ModelVersion;
import dev.comity.plan.RoundPlan;
import dev.comity.plan.RunId;
import dev.comity.plan.RunKind;
import dev.comity.plan.SiteId;
import dev.comity.plan.UpdateTerms;
import dev.comity.session.SignedView;
import dev.comity.session.SiteSession;
import dev.comity.update.AggregateUpdate;
import dev.comity.update.Metrics;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.BiPredicate;

/// A federation without processes and wire, for many runs in a row. All that decides a figure is
/// the code that sites and aggregator run: mapping, training, clipping, rounding, masks, sessions
/// with their votes and certificates, the checks of the sum, the server's step.
///
/// Immutable; several threads may run different seeds at once.
final class InProcessFederation {
  private static final FederationId FEDERATION = new FederationId("benchmark");
  private static final Clock CLOCK =
      Clock.fixed(Instant.parse("2026-01-01T00:00:00Z"), ZoneOffset.UTC);

  private final PlannedStudy study;
  private final Map<SiteId, LocalDataset> data;

  /// Reads the data of every site.
  ///
  /// @param sites folders with data and a mapping that builds the study's data contract
  InProcessFederation(PlannedStudy study, List<SiteFolder> sites) {
    this.study = study;
    this.data = new LinkedHashMap<>();
    for (var site : sites) {
      var mapping = SiteMapping.read(site.mapping());
      mapping.check(study.contract().digest(), study.architecture());
      data.put(new SiteId(site.site()), LocalDataset.read(mapping));
    }
  }

  /// Accuracies of one model on the rows for the test.
  ///
  /// @param meanOfSites mean over the sites of each one's accuracy
  /// @param pooled on all rows together, scaled by the statistics of all training rows: only who
  ///   owns the data of all sites can compute it
  record Accuracy(double meanOfSites, double pooled) {}

  /// The final model of a run of `study`'s rounds.
  ///
  /// @param folder for the sites' vaults and checkpoints; made, and left for the caller to delete
  float[] train(long seed, Path folder) throws IOException, InterruptedException {
    try (var run = new Run(seed, folder)) {
      for (int round = 1; round <= study.rounds(); round++) {
        run.commit(round);
      }
      return run.weights;
    }
  }

  Accuracy evaluate(float[] weights, Path folder) throws InterruptedException {
    double sum = 0;
    for (var site : data.values()) {
      sum += accuracy(weights, site.train(), site.test(), folder);
    }
    var train = data.values().stream().map(LocalDataset::rawTrain).reduce(Rows::followedBy);
    var test = data.values().stream().map(LocalDataset::rawTest).reduce(Rows::followedBy);
    var scale = Standardisation.of(train.orElseThrow());
    return new Accuracy(
        sum / data.size(),
        accuracy(
            weights, scale.apply(train.orElseThrow()), scale.apply(test.orElseThrow()), folder));
  }

  private double accuracy(float[] weights, Rows train, Rows test, Path folder)
      throws InterruptedException {
    var files = new ModelFiles(weights.clone());
    var terms = study.terms(RunKind.EVALUATE, files.initial(runId(0)), 0);
    Metrics metrics =
        LocalSite.trainer(train, test, folder, CLOCK)
            .train(
                new TrainingRequest(terms, new SiteId("test"), weights),
                _ -> {},
                PauseGate.alwaysOpen())
            .base();
    return (double) metrics.correct() / metrics.examples();
  }

  private static RunId runId(long seed) {
    return new RunId(new UUID(0, seed));
  }

  /// Weights and optimizer state, and the files that name them.
  private final class ModelFiles {
    private final BuiltInModel model =
        BuiltInModel.of(study.architecture().family(), study.architecture().widths());
    private final float[] weights;
    private final float[] m;
    private final float[] v;

    ModelFiles(float[] weights) {
      this.weights = weights;
      this.m = new float[weights.length];
      this.v = new float[weights.length];
    }

    ModelVersion initial(RunId run) {
      return version(
          run, 0, Optional.empty(), Optional.empty(), WeightsProvenance.initial(run.toString()));
    }

    ModelVersion after(RoundPlan plan, MaskedSession.Summed summed, Digest sum) {
      var terms = plan.terms();
      return version(
          terms.run(),
          terms.baseVersion() + 1,
          Optional.of(terms.baseModel()),
          Optional.of(
              new ModelVersion.Origin(
                  plan.round(),
                  plan.digest(),
                  sum,
                  summed.transcript(),
                  summed.survivors(),
                  plan.serverStep())),
          WeightsProvenance.ofRound(
              terms.run().toString(), plan.round(), plan.digest().hex(), terms.baseModel().hex()));
    }

    private ModelVersion version(
        RunId run,
        int number,
        Optional<Digest> parent,
        Optional<ModelVersion.Origin> origin,
        WeightsProvenance provenance) {
      return new ModelVersion(
          FEDERATION,
          run,
          number,
          parent,
          study.architecture(),
          Digest.of(WeightsFile.encode(model.tensors(), weights, provenance).toBytes()),
          Digest.of(OptimizerStateFile.encode(m, v, provenance).toBytes()),
          study.parameters(),
          origin);
    }
  }

  /// One run. Confined to one thread.
  final class Run implements AutoCloseable {
    private final long seed;
    private final ReplayableSecrets secrets;
    private final List<LocalSite> sites = new ArrayList<>();
    private final MessageKey aggregator;
    private final MembershipEpoch membership;
    private final float[] weights;
    private final ModelFiles files;
    private ModelVersion version;

    Run(long seed, Path folder) throws IOException {
      this.seed = seed;
      this.secrets = new ReplayableSecrets(seed);
      Files.createDirectories(folder);
      for (var site : data.entrySet()) {
        sites.add(
            new LocalSite(
                site.getKey(),
                site.getValue(),
                secrets,
                folder.resolve(site.getKey().value()),
                CLOCK));
      }
      aggregator = secrets.messageKey("aggregator", folder);
      membership =
          new MembershipEpoch(
              FEDERATION,
              1,
              CLOCK.instant(),
              CLOCK.instant().plusSeconds(3600),
              aggregator.publicKey(),
              sites.stream()
                  .map(site -> new MembershipEpoch.Member(site.id(), site.key().publicKey()))
                  .toList(),
              List.of(),
              study.nC(),
              List.of(new ArchitecturePattern(study.architecture().toString())),
              Optional.empty());
      weights =
          BuiltInModel.of(study.architecture().family(), study.architecture().widths())
              .initialValues(seed);
      files = new ModelFiles(weights);
      version = files.initial(runId(seed));
    }

    List<LocalSite> sites() {
      return List.copyOf(sites);
    }

    /// A fresh copy of the present model.
    float[] weights() {
      return weights.clone();
    }

    RoundPlan plan(int round) {
      return study.plan(
          RunKind.TRAIN, round, version, seed, sites.stream().map(LocalSite::id).toList());
    }

    /// Trains everywhere, sums under masks, steps from the published sum.
    private void commit(int round) throws InterruptedException {
      var plan = plan(round);
      var seats = new LinkedHashMap<SiteId, MaskedSession.Seat>();
      for (var site : sites) {
        seats.put(site.id(), seat(site, plan.terms()));
      }
      var summed =
          session(plan, seats, (_, _) -> true)
              .orElseThrow(() -> new IllegalStateException("a session without drop-outs aborted"));
      byte[] artifact = summed.sum().encode();
      var published = AggregateUpdate.decodeArtifact(plan.terms().vector(), artifact);
      ServerOptimizer.apply(plan.serverStep(), weights, files.m, files.v, published.mean());
      version = files.after(plan, summed, Digest.of(artifact));
    }

    private MaskedSession.Seat seat(LocalSite site, UpdateTerms terms) throws InterruptedException {
      var update = site.protect(terms, weights, site.work(terms, weights));
      return new MaskedSession.Seat(inSession(site), update);
    }

    SiteSession.Site inSession(LocalSite site) {
      return site.inSession(membership, study.nC(), study.minHonest(), CLOCK);
    }

    /// One session over `seats`; `answers` as in [MaskedSession#run].
    Optional<MaskedSession.Summed> session(
        RoundPlan plan,
        Map<SiteId, MaskedSession.Seat> seats,
        BiPredicate<SiteId, SignedView.Kind> answers) {
      var nonce = Digest.of(secrets.bytes("nonce of round " + plan.round()));
      return new MaskedSession(plan, membership, aggregator, seats, nonce).run(answers);
    }

    @Override
    public void close() {
      sites.forEach(LocalSite::close);
    }
  }
}
