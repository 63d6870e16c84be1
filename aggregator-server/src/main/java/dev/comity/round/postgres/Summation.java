package dev.comity.round.postgres;

import dev.comity.algorithm.ServerOptimizer;
import dev.comity.codec.Bytes;
import dev.comity.formats.BuiltInModel;
import dev.comity.formats.OptimizerStateFile;
import dev.comity.formats.SafetensorsFile;
import dev.comity.formats.WeightsFile;
import dev.comity.formats.WeightsProvenance;
import dev.comity.plan.Digest;
import dev.comity.plan.ModelVersion;
import dev.comity.plan.PlanCodec;
import dev.comity.plan.RunKind;
import dev.comity.plan.SiteId;
import dev.comity.registry.ArtifactStore;
import dev.comity.session.ServerSession;
import dev.comity.update.AggregateUpdate;
import dev.comity.update.SumAccumulator;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;
import tools.jackson.databind.json.JsonMapper;

/// The heavy part of a commit: add the survivors' vectors, take the masks off, check, take the
/// server's step and store every artifact. Repeating it after a crash writes the same files again
/// under the same names.
@Component
final class Summation {

  private static final JsonMapper JSON = JsonMapper.shared();

  private final RoundStore store;
  private final ArtifactStore artifacts;
  private final Spool spool;
  private final int parallelism;

  /// A model version that is about to be published.
  record NewVersion(Digest digest, Bytes document, int number) {}

  /// Everything that the committing transaction writes. `metrics` and `norms` are JSON; `version`
  /// is null for an evaluation.
  record Result(
      Digest sum,
      Digest transcript,
      @Nullable String metrics,
      @Nullable String norms,
      @Nullable NewVersion version) {}

  Summation(RoundStore store, ArtifactStore artifacts, Spool spool) {
    this.store = store;
    this.artifacts = artifacts;
    this.spool = spool;
    this.parallelism = Runtime.getRuntime().availableProcessors();
  }

  /// Throws `RejectedSum` when a check of the sum fails.
  Result sum(
      RoundRow round,
      SessionRow row,
      ServerSession session,
      List<SiteId> survivors,
      Optional<RoundRow> before)
      throws IOException {
    var plan = round.plan();
    var terms = plan.terms();
    var sum = new SumAccumulator(terms.vector(), parallelism);
    for (var site : survivors) {
      sum.add(spool.sealed(row.id(), store.uploadRoot(row.id(), site).orElseThrow()));
    }
    sum.remove(session.recovery());
    var aggregate = sum.decode(survivors.size());
    var sumDigest = artifacts.put(aggregate.encode());
    var transcript = artifacts.put(session.transcript());
    var metrics =
        aggregate
            .metrics()
            .map(sums -> JSON.writeValueAsString(RoundMetrics.of(sums, survivors.size())))
            .orElse(null);
    if (terms.kind() != RunKind.TRAIN) {
      return new Result(sumDigest, transcript, metrics, null, null);
    }
    var model = BuiltInModel.of(terms.architecture().family(), terms.architecture().widths());
    var weights =
        WeightsFile.decode(model.tensors(), SafetensorsFile.of(artifacts.read(terms.weights())));
    var state =
        OptimizerStateFile.decode(
            model.size(), SafetensorsFile.of(artifacts.read(terms.optimizerState())));
    var mean = aggregate.mean();
    ServerOptimizer.apply(
        plan.serverStep(), weights, state.firstMoment(), state.secondMoment(), mean);
    var provenance =
        WeightsProvenance.ofRound(
            terms.run().toString(),
            plan.round(),
            round.planDigest().hex(),
            terms.baseModel().hex());
    var version =
        new ModelVersion(
            terms.federation(),
            terms.run(),
            terms.baseVersion() + 1,
            Optional.of(terms.baseModel()),
            terms.architecture(),
            artifacts.put(WeightsFile.encode(model.tensors(), weights, provenance)::writeTo),
            artifacts.put(
                OptimizerStateFile.encode(state.firstMoment(), state.secondMoment(), provenance)
                    ::writeTo),
            artifacts.put(PlanCodec.encode(terms.parameters())),
            Optional.of(
                new ModelVersion.Origin(
                    plan.round(),
                    artifacts.put(PlanCodec.encode(plan)),
                    sumDigest,
                    transcript,
                    survivors,
                    plan.serverStep())));
    var document = PlanCodec.encode(version);
    var norms = new LinkedHashMap<String, Object>();
    norms.put(
        "layers",
        LayerNorms.of(
            terms.parameters(),
            mean,
            weights,
            model.initialValues(terms.seed()),
            before.map(this::mean).orElse(null)));
    return new Result(
        sumDigest,
        transcript,
        metrics,
        JSON.writeValueAsString(norms),
        new NewVersion(Digest.of(document), Bytes.of(document), version.version()));
  }

  private float[] mean(RoundRow round) {
    var sum = round.sum();
    if (sum == null) {
      throw new IllegalStateException("round " + round.number() + " is committed without a sum");
    }
    return AggregateUpdate.decodeArtifact(round.plan().terms().vector(), artifacts.read(sum))
        .mean();
  }
}
