package dev.comity.run;

import dev.comity.algorithm.FederatedAlgorithm;
import dev.comity.plan.Architecture;
import dev.comity.plan.Digest;
import dev.comity.plan.Encoding;
import dev.comity.plan.LocalTraining;
import dev.comity.plan.Noise;
import dev.comity.plan.RunId;
import dev.comity.plan.SiteId;
import dev.comity.plan.Suite;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;

/// What a researcher asks for, checked and with every default filled in. `rounds` counts committed
/// training rounds; `silenceLimit` and `hardLimit` bound each round; `partialAllowed` lets a site
/// that cannot finish in time give the work it did; `document` is the JSON text that is kept and
/// shown, and `dataContract` the digest of the study's contract, whose JSON is
/// `dataContractDocument`. The run's id is given so that a submission made twice with equal content
/// makes equal bytes.
public record RunSubmission(
    RunId id,
    String name,
    String study,
    String purpose,
    Digest dataContract,
    String dataContractDocument,
    Architecture architecture,
    FederatedAlgorithm algorithm,
    LocalTraining training,
    int rounds,
    long seed,
    double clipNorm,
    Noise noise,
    Encoding encoding,
    List<SiteId> cohort,
    int minReady,
    int nC,
    int minHonest,
    long maxExamples,
    double lossCap,
    Duration silenceLimit,
    Duration hardLimit,
    boolean partialAllowed,
    Suite suite,
    String document) {

  public RunSubmission {
    if (name.isBlank()) {
      throw new IllegalArgumentException("name of a run: must not be blank");
    }
    if (rounds < 1) {
      throw new IllegalArgumentException("rounds " + rounds + " of a run: must be >= 1");
    }
    cohort = List.copyOf(cohort);
    if (new HashSet<>(cohort).size() != cohort.size()) {
      throw new IllegalArgumentException("cohort " + cohort + " names a site twice");
    }
  }
}
