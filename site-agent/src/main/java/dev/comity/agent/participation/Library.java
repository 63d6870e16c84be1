package dev.comity.agent.participation;

import dev.comity.agent.link.RefusedByAggregator;
import dev.comity.plan.Digest;
import java.io.IOException;

/// Where content is fetched from by its digest.
@FunctionalInterface
interface Library {
  /// The content, whose digest has been checked.
  ///
  /// @throws RefusedByAggregator when it does not exist or is longer than `mostBytes`
  byte[] fetch(Digest digest, int mostBytes) throws IOException, RefusedByAggregator;
}
