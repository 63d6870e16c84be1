package dev.comity.e2e;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import java.util.stream.Collectors;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordingFile;

/// Records, from the JVM's flight recorder, to whom this process writes through Java's sockets.
final class RecordedSockets implements AutoCloseable {
  private static final String WRITTEN = "jdk.SocketWrite";

  private final Recording recording = new Recording();

  RecordedSockets() {
    recording.enable(WRITTEN).withThreshold(Duration.ZERO).withoutStackTrace();
    recording.start();
  }

  /// Everybody written to so far, `address:port`.
  ///
  /// @param file where the record may be kept
  Set<String> peers(Path file) throws IOException {
    recording.dump(file);
    return RecordingFile.readAllEvents(file).stream()
        .filter(event -> event.getEventType().getName().equals(WRITTEN))
        .map(event -> "%s:%d".formatted(event.getString("address"), event.getInt("port")))
        .collect(Collectors.toSet());
  }

  @Override
  public void close() {
    recording.close();
  }
}
