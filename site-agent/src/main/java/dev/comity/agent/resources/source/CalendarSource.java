package dev.comity.agent.resources.source;

import dev.comity.agent.resources.Reading;
import dev.comity.agent.resources.Source;
import java.time.DayOfWeek;
import java.time.Instant;
import java.time.InstantSource;
import java.time.LocalDate;
import java.time.LocalTime;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongSupplier;

/// Hours of the week. One reading, `open`: 1 inside a window, 0 outside. A window in the hour that
/// the clocks skip in spring does not open on that day.
public final class CalendarSource implements Source {
  /// Enough to find the next window of any week.
  private static final int DAYS_AHEAD = 8;

  private final ZoneId zone;
  private final List<Window> windows;
  private final InstantSource clock;
  private final LongSupplier nanos;

  /// From a time of day to another one; when that is not later, to the next day's.
  ///
  /// @param days on which the window begins
  public record Window(Set<DayOfWeek> days, LocalTime from, LocalTime to) {
    public Window {
      days = Set.copyOf(days);
      if (days.isEmpty()) {
        throw new IllegalArgumentException("a window needs a day");
      }
    }
  }

  public CalendarSource(
      ZoneId zone, List<Window> windows, InstantSource clock, LongSupplier nanos) {
    if (windows.isEmpty()) {
      throw new IllegalArgumentException("a calendar needs a window");
    }
    this.zone = zone;
    this.windows = List.copyOf(windows);
    this.clock = clock;
    this.nanos = nanos;
  }

  @Override
  public Optional<Set<String>> names() {
    return Optional.of(Set.of("open"));
  }

  @Override
  public Map<String, Reading> read() {
    Instant now = clock.instant();
    LocalDate today = LocalDate.ofInstant(now, zone);
    var spans = new ArrayList<Span>();
    for (int day = -1; day <= DAYS_AHEAD; day++) {
      LocalDate date = today.plusDays(day);
      for (Window window : windows) {
        if (window.days().contains(date.getDayOfWeek())) {
          LocalDate end = window.to().isAfter(window.from()) ? date : date.plusDays(1);
          Instant opens = date.atTime(window.from()).atZone(zone).toInstant();
          Instant closes = end.atTime(window.to()).atZone(zone).toInstant();
          if (closes.isAfter(opens)) {
            spans.add(new Span(opens, closes));
          }
        }
      }
    }
    return Map.of("open", Span.reading(spans, now, nanos.getAsLong()));
  }
}
