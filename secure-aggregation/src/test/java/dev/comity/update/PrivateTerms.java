package dev.comity.update;

import dev.comity.algorithm.LocalObjective;
import dev.comity.algorithm.Weighting;
import dev.comity.plan.Architecture;
import dev.comity.plan.Digest;
import dev.comity.plan.Encoding;
import dev.comity.plan.FederationId;
import dev.comity.plan.LocalTraining;
import dev.comity.plan.LocalWork;
import dev.comity.plan.Loss;
import dev.comity.plan.Noise;
import dev.comity.plan.ParameterLayout;
import dev.comity.plan.RunId;
import dev.comity.plan.RunKind;
import dev.comity.plan.UpdateTerms;
import dev.comity.plan.VectorLayout;
import java.util.UUID;

/// Terms of a small model with record-level differential privacy.
final class PrivateTerms {
  private PrivateTerms() {}

  static UpdateTerms of(double noiseMultiplier, double exampleClip) {
    var architecture = Architecture.parse("logistic-regression(3,1)");
    var encoding = new Encoding(32, 512);
    var noise = new Noise.RecordLevel(noiseMultiplier, exampleClip, 1e-5);
    var none = Digest.of(new byte[0]);
    return new UpdateTerms(
        new FederationId("heart"),
        new RunId(new UUID(1, 2)),
        RunKind.TRAIN,
        "study",
        "a test",
        none,
        none,
        0,
        architecture,
        none,
        none,
        ParameterLayout.of(architecture),
        VectorLayout.of(RunKind.TRAIN, architecture, encoding, 10, 1000, 20, noise),
        new LocalObjective.Plain(),
        new LocalTraining(
            Loss.BINARY_CROSS_ENTROPY, 4, new LocalWork.PoissonSteps(10, 0.1), 0.1, 0, 0),
        42,
        new Weighting.Uniform(),
        10,
        noise,
        encoding,
        1000,
        20,
        false);
  }
}
