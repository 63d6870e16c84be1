package dev.comity.agent.participation;

import dev.comity.agent.protection.DurableFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/// The highest federation epoch that the aggregator told this site, on disk. It never decreases.
/// Confined to one thread.
final class FederationEpoch {
  private final DurableFile file;

  FederationEpoch(Path file) {
    this.file = new DurableFile(file);
  }

  /// 0 before the first.
  long known() {
    return file.read()
        .map(content -> Long.parseLong(new String(content, StandardCharsets.US_ASCII)))
        .orElse(0L);
  }

  /// Takes what the aggregator says now.
  ///
  /// @throws IllegalStateException when it is lower than what it said before
  void take(long told) {
    long known = known();
    if (told < known) {
      throw new IllegalStateException(
          "the aggregator is at federation epoch %d, this site has seen %d: its database was set back; its operator raises the epoch"
              .formatted(told, known));
    }
    if (told > known) {
      file.write(Long.toString(told).getBytes(StandardCharsets.US_ASCII));
    }
  }
}
