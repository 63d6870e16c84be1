package dev.comity.agent.participation;

import dev.comity.agent.link.RefusedByAggregator;
import dev.comity.agent.protection.DurableFile;
import dev.comity.algorithm.ServerOptimizer;
import dev.comity.formats.BuiltInModel;
import dev.comity.formats.OptimizerStateFile;
import dev.comity.formats.SafetensorsFile;
import dev.comity.formats.WeightsFile;
import dev.comity.formats.WeightsProvenance;
import dev.comity.plan.Digest;
import dev.comity.plan.ModelVersion;
import dev.comity.plan.PlanCodec;
import dev.comity.plan.RoundPlan;
import dev.comity.plan.RunId;
import dev.comity.plan.RunKind;
import dev.comity.update.AggregateUpdate;
import dev.comity.update.RejectedSum;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;

/// The models that this site has recomputed for itself: version 0 from the run's seed, every later
/// one from its parent and the published sum. The weights are never taken from the aggregator; a
/// version is believed when its digests are those of what the site computed.
///
/// On disk, for each run, the last verified version and its parent. Thread-safe.
final class VerifiedModels {
  private static final int MOST_DOCUMENT_BYTES = 1 << 20;
  private static final int MOST_SUM_BYTES = Integer.MAX_VALUE - 8;

  private final Path folder;
  private final Library library;

  VerifiedModels(Path folder, Library library) {
    this.folder = folder;
    this.library = library;
    try {
      Files.createDirectories(folder);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot make the folder " + folder, e);
    }
  }

  /// Weights and optimizer state of a version, flat. Not for records: arrays.
  private static final class Tensors {
    final float[] weights;
    final float[] firstMoment;
    final float[] secondMoment;

    Tensors(float[] weights, float[] firstMoment, float[] secondMoment) {
      this.weights = weights;
      this.firstMoment = firstMoment;
      this.secondMoment = secondMoment;
    }
  }

  /// The parameters of `version`, flat, after verifying every step from the last version that this
  /// site verified, or from the seed.
  ///
  /// @param seed of the run
  /// @param rounds of the run so far: none leaves more than one version
  /// @throws DoesNotFollowException when a version on the way is not what it says
  /// @throws IOException when something could not be fetched: try again
  synchronized float[] verify(ModelVersion version, long seed, int rounds)
      throws DoesNotFollowException, IOException {
    if (version.version() > rounds) {
      throw new DoesNotFollowException(
          "version %d of run %s after %d rounds: must be <= %d, a round leaves one version at most"
              .formatted(version.version(), version.run(), rounds, rounds));
    }
    Deque<ModelVersion> unverified = new ArrayDeque<>();
    ModelVersion at = version;
    Optional<Tensors> found = stored(at);
    while (found.isEmpty() && at.version() > 0) {
      unverified.push(at);
      at = parent(at);
      found = stored(at);
    }
    Tensors tensors = found.isPresent() ? found.get() : initial(at, seed);
    while (!unverified.isEmpty()) {
      ModelVersion next = unverified.pop();
      tensors = follow(at, tensors, next);
      at = next;
    }
    return tensors.weights;
  }

  /// The parameters of version 0 of a built-in model, flat.
  static float[] initialWeights(ModelVersion version, long seed) {
    return model(version).initialValues(seed);
  }

  private ModelVersion parent(ModelVersion version) throws DoesNotFollowException, IOException {
    Digest digest = version.parent().orElseThrow();
    var parent = PlanCodec.decodeModelVersion(fetch(digest, MOST_DOCUMENT_BYTES));
    if (parent.version() != version.version() - 1
        || !parent.run().equals(version.run())
        || !parent.federation().equals(version.federation())
        || !parent.architecture().equals(version.architecture())
        || !parent.parameters().equals(version.parameters())) {
      throw new DoesNotFollowException(
          "version %d names version %d of run %s as its parent, which is no version before it"
              .formatted(version.version(), parent.version(), parent.run()));
    }
    return parent;
  }

  private Tensors initial(ModelVersion version, long seed) throws DoesNotFollowException {
    var model = model(version);
    var provenance = WeightsProvenance.initial(version.run().toString());
    var tensors =
        new Tensors(model.initialValues(seed), new float[model.size()], new float[model.size()]);
    keepIfEqual(version, tensors, provenance, "the seed of its run");
    return tensors;
  }

  /// Redoes the server's step.
  private Tensors follow(ModelVersion parent, Tensors from, ModelVersion version)
      throws DoesNotFollowException, IOException {
    var origin = version.origin().orElseThrow();
    RoundPlan plan = PlanCodec.decodePlan(fetch(origin.plan(), MOST_DOCUMENT_BYTES));
    var terms = plan.terms();
    if (terms.kind() != RunKind.TRAIN
        || !terms.run().equals(version.run())
        || !terms.baseModel().equals(parent.digest())
        || plan.round() != origin.round()
        || !plan.serverStep().equals(origin.step())
        || !plan.cohort().containsAll(origin.participants())) {
      throw new DoesNotFollowException(
          "version %d names round %d as its origin, whose plan is for another base, step or cohort"
              .formatted(version.version(), origin.round()));
    }
    AggregateUpdate sum;
    try {
      sum = AggregateUpdate.decodeArtifact(terms.vector(), fetchSum(version.run(), origin.sum()));
    } catch (RejectedSum e) {
      throw new DoesNotFollowException(
          "the sum of round %d is none: %s".formatted(origin.round(), e.getMessage()), e);
    }
    if (sum.contributors() != origin.participants().size()) {
      throw new DoesNotFollowException(
          "the sum of round %d counts %d sites, version %d names %d"
              .formatted(
                  origin.round(),
                  sum.contributors(),
                  version.version(),
                  origin.participants().size()));
    }
    var next =
        new Tensors(from.weights.clone(), from.firstMoment.clone(), from.secondMoment.clone());
    ServerOptimizer.apply(
        origin.step(), next.weights, next.firstMoment, next.secondMoment, sum.mean());
    keepIfEqual(
        version,
        next,
        WeightsProvenance.ofRound(
            version.run().toString(), origin.round(), origin.plan().hex(), parent.digest().hex()),
        "version %d and the sum of round %d".formatted(parent.version(), origin.round()));
    return next;
  }

  private void keepIfEqual(
      ModelVersion version, Tensors tensors, WeightsProvenance provenance, String source)
      throws DoesNotFollowException {
    byte[] weights =
        WeightsFile.encode(model(version).tensors(), tensors.weights, provenance).toBytes();
    byte[] state =
        OptimizerStateFile.encode(tensors.firstMoment, tensors.secondMoment, provenance).toBytes();
    requireEqual(version, "weights", version.weights(), Digest.of(weights), source);
    requireEqual(version, "optimizer state", version.optimizerState(), Digest.of(state), source);
    stateFile(version).write(state);
    weightsFile(version).write(weights);
    eraseOlder(version);
  }

  private static void requireEqual(
      ModelVersion version, String what, Digest named, Digest computed, String source)
      throws DoesNotFollowException {
    if (!named.equals(computed)) {
      throw new DoesNotFollowException(
          "version %d of run %s has %s %s; %s give %s"
              .formatted(
                  version.version(),
                  version.run(),
                  what,
                  named.abbreviated(),
                  source,
                  computed.abbreviated()));
    }
  }

  private Optional<Tensors> stored(ModelVersion version) {
    Optional<byte[]> weights = weightsFile(version).read();
    Optional<byte[]> state = stateFile(version).read();
    if (weights.isEmpty() || state.isEmpty()) {
      return Optional.empty();
    }
    if (!Digest.of(weights.get()).equals(version.weights())
        || !Digest.of(state.get()).equals(version.optimizerState())) {
      return Optional.empty(); // damaged on disk, or not the version that this name was given for
    }
    var moments = OptimizerStateFile.decode(model(version).size(), SafetensorsFile.of(state.get()));
    return Optional.of(
        new Tensors(
            WeightsFile.decode(model(version).tensors(), SafetensorsFile.of(weights.get())),
            moments.firstMoment(),
            moments.secondMoment()));
  }

  private void eraseOlder(ModelVersion version) {
    try (DirectoryStream<Path> files = Files.newDirectoryStream(folder(version.run()))) {
      for (Path file : files) {
        String name = file.getFileName().toString();
        int dash = name.indexOf('-');
        if (dash > 0 && Integer.parseInt(name.substring(0, dash)) < version.version() - 1) {
          new DurableFile(file).erase();
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot list " + folder, e);
    }
  }

  private byte[] fetch(Digest digest, int mostBytes) throws DoesNotFollowException, IOException {
    try {
      return library.fetch(digest, mostBytes);
    } catch (RefusedByAggregator e) {
      throw new DoesNotFollowException(
          "content %s that the lineage names is not to be had: %s"
              .formatted(digest.abbreviated(), e.getMessage()),
          e);
    }
  }

  /// A sum is as long as the model: it comes by way of a file, so that a broken line costs little.
  private byte[] fetchSum(RunId run, Digest digest) throws DoesNotFollowException, IOException {
    Path file = Files.createDirectories(folder(run)).resolve(digest.hex() + ".sum");
    try {
      library.fetch(digest, file, MOST_SUM_BYTES);
      return Files.readAllBytes(file);
    } catch (RefusedByAggregator e) {
      throw new DoesNotFollowException(
          "the sum %s is not to be had: %s".formatted(digest.abbreviated(), e.getMessage()), e);
    } finally {
      Files.deleteIfExists(file);
    }
  }

  private static BuiltInModel model(ModelVersion version) {
    return BuiltInModel.of(
        version.architecture().family(), List.copyOf(version.architecture().widths()));
  }

  private Path folder(RunId run) {
    return folder.resolve(run.toString());
  }

  private DurableFile weightsFile(ModelVersion version) {
    return file(version, "weights");
  }

  private DurableFile stateFile(ModelVersion version) {
    return file(version, "optimizer-state");
  }

  private DurableFile file(ModelVersion version, String what) {
    return new DurableFile(
        folder(version.run())
            .resolve(
                "%d-%s.%s.safetensors".formatted(version.version(), version.digest().hex(), what)));
  }
}
