package dev.comity.agent.resources.source;

import dev.comity.agent.resources.Reading;
import dev.comity.agent.resources.Source;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/// Signals out of a file, for tests and demonstrations; read at every poll. Each line is
/// `SECONDS,READING,VALUE`: from that many seconds after the start on, the reading has that value,
/// or none where the value is `silent`. Empty lines and such that begin with `#` are passed over.
public final class TraceSource implements Source {
  private static final int MOST_BYTES = 1 << 20;
  private static final String SILENT = "silent";

  private final Path file;
  private final Instant start;
  private final InstantSource clock;
  private final LongSupplier nanos;

  private record Row(Instant at, String reading, Optional<Double> value) {}

  /// @param start second 0
  /// @throws IllegalArgumentException when the file cannot be read now
  public TraceSource(Path file, Instant start, InstantSource clock, LongSupplier nanos) {
    this.file = file;
    this.start = start;
    this.clock = clock;
    this.nanos = nanos;
    try {
      rows();
    } catch (IOException e) {
      throw new IllegalArgumentException(e.getMessage(), e);
    }
  }

  @Override
  public Optional<Set<String>> names() {
    return Optional.empty();
  }

  @Override
  public Map<String, Reading> read() throws IOException {
    Instant now = clock.instant();
    var values = new HashMap<String, Optional<Double>>();
    var expected = new HashMap<String, List<Reading.Expected>>();
    for (Row row : rows()) {
      if (row.at().isAfter(now)) {
        row.value()
            .ifPresent(value ->
                expected
                    .computeIfAbsent(row.reading(), any -> new ArrayList<>())
                    .add(new Reading.Expected(row.at(), value)));
      } else {
        values.put(row.reading(), row.value());
      }
    }
    long observedAt = nanos.getAsLong();
    var readings = new HashMap<String, Reading>();
    values.forEach((name, value) ->
        value.ifPresent(known ->
            readings.put(
                name, new Reading(known, observedAt, expected.getOrDefault(name, List.of())))));
    return readings;
  }

  private List<Row> rows() throws IOException {
    var rows = new ArrayList<Row>();
    int number = 0;
    for (String line : SmallFile.read(file, MOST_BYTES).lines().toList()) {
      number++;
      if (!line.isBlank() && !line.startsWith("#")) {
        rows.add(row(line.split(",", -1), number));
      }
    }
    rows.sort(Comparator.comparing(Row::at));
    return rows;
  }

  private Row row(String[] cells, int number) throws IOException {
    if (cells.length == 3) {
      try {
        double seconds = Double.parseDouble(cells[0].strip());
        String value = cells[2].strip();
        Optional<Double> known =
            value.equals(SILENT) ? Optional.empty() : Optional.of(Double.parseDouble(value));
        if (Double.isFinite(seconds) && known.stream().allMatch(Double::isFinite)) {
          return new Row(
              start.plus(Duration.ofMillis(Math.round(seconds * 1e3))), cells[1].strip(), known);
        }
      } catch (NumberFormatException e) {
        throw malformed(number, e);
      }
    }
    throw malformed(number, null);
  }

  private IOException malformed(int number, @Nullable Throwable cause) {
    return new IOException(
        "%s, line %d: must be SECONDS,READING,VALUE, the value a number or %s"
            .formatted(file, number, SILENT),
        cause);
  }
}
