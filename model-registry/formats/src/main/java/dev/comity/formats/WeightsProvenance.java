package dev.comity.formats;

import java.util.Objects;
import java.util.Optional;

/// Where the tensors of a model version come from, as `__metadata__` of its files: `format` (always
/// `pt`: PyTorch's names and layouts), `run`, `round`, and from round 1 on `plan` and `parent`, the
/// digests in hex of the round's plan and of the ModelVersion that it started from. A site that
/// redoes the server step writes the same metadata, hence the same digest.
public record WeightsProvenance(
    String run, int round, Optional<String> plan, Optional<String> parent) {
  public WeightsProvenance {
    Objects.requireNonNull(run);
    if (round < 0) {
      throw new IllegalArgumentException("round %d of run %s must be >= 0".formatted(round, run));
    }
    if (plan.isPresent() != (round > 0) || parent.isPresent() != (round > 0)) {
      throw new IllegalArgumentException(
          "round %d of run %s: plan and parent belong to every round from 1 on, and to none before"
              .formatted(round, run));
    }
  }

  /// Version 0 of a run.
  public static WeightsProvenance initial(String run) {
    return new WeightsProvenance(run, 0, Optional.empty(), Optional.empty());
  }

  /// The result of `round`, which is at least 1.
  public static WeightsProvenance ofRound(String run, int round, String plan, String parent) {
    return new WeightsProvenance(run, round, Optional.of(plan), Optional.of(parent));
  }

  SafetensorsWriter writer() {
    var writer =
        new SafetensorsWriter()
            .metadata("format", "pt")
            .metadata("run", run)
            .metadata("round", Integer.toString(round));
    plan.ifPresent(digest -> writer.metadata("plan", digest));
    parent.ifPresent(digest -> writer.metadata("parent", digest));
    return writer;
  }
}
