package dev.comity.plan;

import dev.comity.algorithm.LocalObjective;
import dev.comity.algorithm.Weighting;

/// All that an update depends on, and nothing that it does not: two rounds with equal terms can use
/// the same stored update. Documents are named by the digest of their bytes: `baseModel` of the
/// ModelVersion document, `weights` and `optimizerState` of the safetensors files, `dataContract`
/// of the contract.
///
/// `clipNorm` > 0 bounds the L2 norm of a site's update; `maxExamples` bounds a site's number of
/// examples; `lossCap` > 0 bounds the loss of one example in the metrics; `partialAllowed` lets a
/// site that had to stop early contribute what it has. `parameters` and `vector` follow from the
/// other fields and are refused when they do not.
public record UpdateTerms(
    FederationId federation,
    RunId run,
    RunKind kind,
    String study,
    String purpose,
    Digest dataContract,
    Digest baseModel,
    int baseVersion,
    Architecture architecture,
    Digest weights,
    Digest optimizerState,
    ParameterLayout parameters,
    VectorLayout vector,
    LocalObjective objective,
    LocalTraining training,
    long seed,
    Weighting weighting,
    double clipNorm,
    Noise noise,
    Encoding encoding,
    long maxExamples,
    double lossCap,
    boolean partialAllowed) {
  private static final int MAX_TEXT = 2000;

  public UpdateTerms {
    requireText("study", study);
    requireText("purpose", purpose);
    if (baseVersion < 0) {
      throw new IllegalArgumentException("baseVersion %d: must be >= 0".formatted(baseVersion));
    }
    VectorLayout expected =
        VectorLayout.of(kind, architecture, encoding, clipNorm, maxExamples, lossCap, noise)
            .forRound(run, baseVersion);
    if (!parameters.equals(ParameterLayout.of(architecture))) {
      throw new IllegalArgumentException(
          "parameters: not the tensors of %s; use the layout of the architecture"
              .formatted(architecture));
    }
    if (!vector.equals(expected)) {
      throw new IllegalArgumentException(
          "vector: not the layout that kind, architecture, encoding, clipNorm, maxExamples, lossCap and noise determine for the run and its base version; compute it from them");
    }
    Loss loss = architecture.binary() ? Loss.BINARY_CROSS_ENTROPY : Loss.SOFTMAX_CROSS_ENTROPY;
    if (training.loss() != loss) {
      throw new IllegalArgumentException(
          "training.loss %s: %s has %d output%s and needs %s"
              .formatted(
                  training.loss(),
                  architecture,
                  architecture.outputs(),
                  architecture.outputs() == 1 ? "" : "s",
                  loss));
    }
    boolean poisson = training.work() instanceof LocalWork.PoissonSteps;
    if (poisson != noise instanceof Noise.RecordLevel) {
      throw new IllegalArgumentException(
          "training and noise: record-level differential privacy needs Poisson steps, and only it does; set training.steps with training.samplingRate");
    }
    if (noise.isPrivate() && !(weighting instanceof Weighting.Uniform)) {
      throw new IllegalArgumentException(
          "weighting: differential privacy needs uniform weights, since a weight tells the number of examples; set weighting to uniform");
    }
  }

  /// The digest of these terms' bytes.
  public Digest digest() {
    return Digest.of(PlanCodec.encode(this));
  }

  private static void requireText(String name, String value) {
    if (value.isBlank() || value.length() > MAX_TEXT) {
      throw new IllegalArgumentException(
          "%s: must be 1 to %d characters and not blank, was %d characters"
              .formatted(name, MAX_TEXT, value.length()));
    }
  }
}
