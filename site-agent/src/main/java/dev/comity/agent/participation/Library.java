package dev.comity.agent.participation;

import dev.comity.agent.link.RefusedByAggregator;
import dev.comity.plan.Digest;
import java.io.IOException;
import java.nio.file.Path;

/// Where content is fetched from by its digest.
interface Library {
  /// The content, whose digest has been checked.
  ///
  /// @throws RefusedByAggregator when it does not exist or is longer than `mostBytes`
  byte[] fetch(Digest digest, int mostBytes) throws IOException, RefusedByAggregator;

  /// Fetches the content into `file`, going on where an earlier attempt broke off; whole and
  /// checked when this returns.
  void fetch(Digest digest, Path file, long mostBytes) throws IOException, RefusedByAggregator;
}
