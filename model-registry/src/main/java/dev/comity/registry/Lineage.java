package dev.comity.registry;

import dev.comity.plan.Digest;
import java.util.List;

/// How a model came to be: the version itself first, then parent after parent down to version 0.
/// Each generation's `version().origin()` tells its round, server step, participants, and the
/// digests of plan, sum and transcript; each names the next by digest, so the first digest vouches
/// for all.
public record Lineage(List<PublishedModel> generations) {
  public Lineage {
    generations = List.copyOf(generations);
    if (generations.isEmpty()) {
      throw new IllegalArgumentException("a lineage holds at least the model itself");
    }
    for (int i = 0; i < generations.size(); i++) {
      var generation = generations.get(i);
      var parent = generation.version().parent().map(Digest::hex).orElse("none");
      var next = i + 1 < generations.size() ? generations.get(i + 1).digest().hex() : "none";
      if (!parent.equals(next)) {
        throw new IllegalArgumentException(
            "lineage: the parent of model version %s is %s, but %s follows"
                .formatted(generation.digest().hex(), parent, next));
      }
    }
  }

  /// The model whose lineage this is.
  public PublishedModel model() {
    return generations.getFirst();
  }
}
