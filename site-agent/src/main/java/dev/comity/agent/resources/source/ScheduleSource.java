package dev.comity.agent.resources.source;

import dev.comity.agent.resources.Reading;
import dev.comity.agent.resources.Source;
import java.io.IOException;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.InstantSource;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongSupplier;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// A file of announced power cuts, read at every poll. One reading, `off`: 1 inside a cut, 0
/// outside.
///
/// Each line is `FROM,TO`, ISO 8601 with an offset, as
/// `2026-03-01T18:00+02:00,2026-03-01T20:30+02:00`; empty lines and such that begin with `#` are
/// passed over. A file whose name ends in `.json` is a list of objects with `from` and `to`.
public final class ScheduleSource implements Source {
  private static final JsonMapper JSON = JsonMapper.builder().build();
  private static final int MOST_BYTES = 1 << 20;

  private final Path file;
  private final InstantSource clock;
  private final LongSupplier nanos;

  /// @throws IllegalArgumentException when the file cannot be read now
  public ScheduleSource(Path file, InstantSource clock, LongSupplier nanos) {
    this.file = file;
    this.clock = clock;
    this.nanos = nanos;
    try {
      spans();
    } catch (IOException e) {
      throw new IllegalArgumentException(e.getMessage(), e);
    }
  }

  @Override
  public Optional<Set<String>> names() {
    return Optional.of(Set.of("off"));
  }

  @Override
  public Map<String, Reading> read() throws IOException {
    return Map.of("off", Span.reading(spans(), clock.instant(), nanos.getAsLong()));
  }

  private List<Span> spans() throws IOException {
    String text = SmallFile.read(file, MOST_BYTES);
    return file.toString().endsWith(".json") ? ofJson(text) : ofLines(text);
  }

  private List<Span> ofLines(String text) throws IOException {
    var spans = new ArrayList<Span>();
    int number = 0;
    for (String line : text.lines().toList()) {
      number++;
      if (line.isBlank() || line.startsWith("#")) {
        continue;
      }
      String[] cells = line.split(",", -1);
      if (cells.length != 2) {
        throw new IOException("%s, line %d: must be FROM,TO".formatted(file, number));
      }
      spans.add(span(cells[0], cells[1], "line " + number));
    }
    return spans;
  }

  private List<Span> ofJson(String text) throws IOException {
    var spans = new ArrayList<Span>();
    try {
      JsonNode list = JSON.readTree(text);
      if (!list.isArray()) {
        throw new IOException("%s: must be a list of {from, to}".formatted(file));
      }
      for (JsonNode entry : list) {
        spans.add(
            span(
                entry.path("from").asString(""),
                entry.path("to").asString(""),
                "entry " + (spans.size() + 1)));
      }
    } catch (JacksonException e) {
      throw new IOException("%s: is no JSON".formatted(file), e);
    }
    return spans;
  }

  private Span span(String from, String to, String where) throws IOException {
    try {
      return new Span(instant(from), instant(to));
    } catch (DateTimeException | IllegalArgumentException e) {
      throw new IOException(
          "%s, %s: must be two times with an offset, as 2026-03-01T18:00+02:00, the later one last"
              .formatted(file, where),
          e);
    }
  }

  private static Instant instant(String text) {
    return OffsetDateTime.parse(text.strip()).toInstant();
  }
}
