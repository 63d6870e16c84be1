package dev.comity.agent.resources;

import java.io.IOException;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Where readings come from: a UPS, sensors of the machine, a calendar. Asked at every poll, by one
/// thread at a time.
public interface Source extends AutoCloseable {

  /// The present readings by their names in this source. A reading that cannot be had is left out.
  ///
  /// @throws IOException when the source does not answer in time or answers with nothing useful;
  ///   the message tells no reading and no secret
  Map<String, Reading> read() throws IOException, InterruptedException;

  /// The names of all readings that this source can ever give; empty when it finds out by reading.
  Optional<Set<String>> names();

  /// Frees what the source holds.
  @Override
  default void close() {}
}
