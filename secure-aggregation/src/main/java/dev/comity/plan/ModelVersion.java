package dev.comity.plan;

import dev.comity.algorithm.ServerStep;
import java.util.List;
import java.util.Optional;

/// One model of a run, named by content: `weights` and `optimizerState` are digests of safetensors
/// files, `parameters` of the encoded ParameterLayout. Version 0 is the initial model and has
/// neither `parent` nor `origin`; every later one names the version that it was made from and how.
public record ModelVersion(
    FederationId federation,
    RunId run,
    int version,
    Optional<Digest> parent,
    Architecture architecture,
    Digest weights,
    Digest optimizerState,
    Digest parameters,
    Optional<Origin> origin) {
  /// The committed round behind a version: digests of its plan, its sum and its transcript, the
  /// certified `participants`, sorted, and the step that was taken.
  public record Origin(
      int round,
      Digest plan,
      Digest sum,
      Digest transcript,
      List<SiteId> participants,
      ServerStep step) {
    public Origin {
      participants = participants.stream().sorted().toList();
      if (round < 1) {
        throw new IllegalArgumentException("origin.round %d: must be >= 1".formatted(round));
      }
      if (participants.isEmpty()
          || participants.stream().distinct().count() != participants.size()) {
        throw new IllegalArgumentException("origin.participants: must name each site once");
      }
    }
  }

  public ModelVersion {
    if (version < 0) {
      throw new IllegalArgumentException("version %d: must be >= 0".formatted(version));
    }
    if (parent.isPresent() != version > 0 || origin.isPresent() != version > 0) {
      throw new IllegalArgumentException(
          "version %d: version 0 has neither parent nor origin, every later one has both"
              .formatted(version));
    }
  }

  /// The digest of this version's bytes.
  public Digest digest() {
    return Digest.of(PlanCodec.encode(this));
  }
}
