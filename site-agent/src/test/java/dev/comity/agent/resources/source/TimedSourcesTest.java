package dev.comity.agent.resources.source;

import static dev.comity.agent.resources.source.Readings.reading;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.comity.agent.resources.Reading;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.DayOfWeek;
import java.time.Instant;
import java.time.LocalTime;
import java.time.ZoneId;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Calendars, announced cuts and traces.
class TimedSourcesTest {
  private static final ZoneId LUSAKA = ZoneId.of("Africa/Lusaka"); // UTC+2, no summer time

  @TempDir Path folder;
  private Instant now = Instant.EPOCH;

  @Test
  void aNightWindowHoldsOverMidnightAndNamesTheNext() {
    var nights =
        new CalendarSource(
            LUSAKA,
            List.of(
                new CalendarSource.Window(
                    EnumSet.range(DayOfWeek.MONDAY, DayOfWeek.FRIDAY),
                    LocalTime.of(18, 0),
                    LocalTime.of(6, 0))),
            () -> now,
            () -> 7);

    assertThat(at(nights, "2026-03-02T15:59:59Z").value()).as("Monday before six").isZero();
    assertThat(at(nights, "2026-03-02T16:00:00Z").value()).as("Monday at six").isEqualTo(1);
    assertThat(at(nights, "2026-03-07T03:59:59Z").value()).as("Friday's night").isEqualTo(1);
    Reading saturday = at(nights, "2026-03-07T04:00:00Z");
    assertThat(saturday.value()).isZero();
    assertThat(saturday.observedAt()).isEqualTo(7);
    assertThat(saturday.expected())
        .startsWith(
            new Reading.Expected(Instant.parse("2026-03-09T16:00:00Z"), 1),
            new Reading.Expected(Instant.parse("2026-03-10T04:00:00Z"), 0));
  }

  @Test
  void aWindowInTheHourThatTheClocksSkipDoesNotOpenThatDay() throws Exception {
    var sundays =
        new CalendarSource(
            ZoneId.of("Europe/Berlin"),
            List.of(
                new CalendarSource.Window(
                    Set.of(DayOfWeek.SUNDAY), LocalTime.of(2, 30), LocalTime.of(3, 0))),
            () -> now,
            () -> 0);

    Reading saturday = at(sundays, "2026-03-28T12:00:00Z");

    assertThat(saturday.value()).isZero();
    assertThat(saturday.expected())
        .as("the clocks go from two to three on the 29th")
        .startsWith(
            new Reading.Expected(Instant.parse("2026-04-05T00:30:00Z"), 1),
            new Reading.Expected(Instant.parse("2026-04-05T01:00:00Z"), 0));
    assertThat(at(sundays, "2026-03-29T01:15:00Z").value()).isZero();
    assertThat(at(sundays, "2026-04-05T00:45:00Z").value()).isEqualTo(1);
  }

  @Test
  void aWindowOfAWholeDayAndItsNeighbourAreOne() {
    var weekend =
        new CalendarSource(
            LUSAKA,
            List.of(
                new CalendarSource.Window(
                    Set.of(DayOfWeek.SATURDAY, DayOfWeek.SUNDAY),
                    LocalTime.MIDNIGHT,
                    LocalTime.MIDNIGHT)),
            () -> now,
            () -> 0);

    Reading saturday = at(weekend, "2026-03-07T10:00:00Z");

    assertThat(saturday.value()).isEqualTo(1);
    assertThat(saturday.expected().getFirst())
        .isEqualTo(new Reading.Expected(Instant.parse("2026-03-08T22:00:00Z"), 0));
  }

  @Test
  void aWindowInTheHourThatSummerTimeSkipsIsEmpty() {
    var skipped =
        new CalendarSource(
            ZoneId.of("Europe/Berlin"),
            List.of(
                new CalendarSource.Window(
                    Set.of(DayOfWeek.SUNDAY), LocalTime.of(2, 0), LocalTime.of(3, 0))),
            () -> now,
            () -> 0);

    assertThat(at(skipped, "2026-03-29T01:00:00Z").value()).as("02:00 to 03:00 is not").isZero();
    assertThat(at(skipped, "2026-03-29T00:59:59Z").value()).isZero();
    assertThat(at(skipped, "2026-04-05T00:30:00Z").value()).as("a week later").isEqualTo(1);
  }

  @Test
  void aCalendarWithoutWindowsAndAWindowWithoutDaysAreRefused() {
    assertThatThrownBy(() -> new CalendarSource(LUSAKA, List.of(), () -> now, () -> 0))
        .hasMessageContaining("needs a window");
    assertThatThrownBy(
            () -> new CalendarSource.Window(Set.of(), LocalTime.MIDNIGHT, LocalTime.NOON))
        .hasMessageContaining("needs a day");
  }

  @Test
  void announcedCutsAreReadFromLinesAtEveryPoll() throws Exception {
    Path file =
        Files.writeString(
            folder.resolve("cuts.csv"),
            """
            # stage 4
            2026-03-02T20:00+02:00,2026-03-02T22:30+02:00

            2026-03-02T08:00+02:00,2026-03-02T10:00+02:00
            """);
    var cuts = new ScheduleSource(file, () -> now, () -> 0);

    assertThat(off(cuts, "2026-03-02T06:00:00Z").value()).isEqualTo(1);
    assertThat(off(cuts, "2026-03-02T06:00:00Z").expected().getFirst())
        .isEqualTo(new Reading.Expected(Instant.parse("2026-03-02T08:00:00Z"), 0));
    assertThat(off(cuts, "2026-03-02T08:00:00Z").value()).isZero();
    assertThat(off(cuts, "2026-03-02T19:00:00Z").value()).isEqualTo(1);
    assertThat(off(cuts, "2026-03-03T19:00:00Z").expected()).isEmpty();

    Files.writeString(file, "2026-03-03T20:00+02:00,2026-03-03T22:30+02:00\n");
    assertThat(off(cuts, "2026-03-03T19:00:00Z").value()).isEqualTo(1);

    Files.writeString(file, "tomorrow,later\n");
    assertThatThrownBy(cuts::read)
        .isInstanceOf(IOException.class)
        .hasMessageContaining("cuts.csv, line 1: must be two times with an offset");
    Files.delete(file);
    assertThatThrownBy(cuts::read)
        .isInstanceOf(IOException.class)
        .hasMessageContaining("no such file");
  }

  @Test
  void announcedCutsAreReadFromJson() throws Exception {
    Path file =
        Files.writeString(
            folder.resolve("cuts.json"),
            "[{\"from\": \"2026-03-02T20:00+02:00\", \"to\": \"2026-03-02T22:30+02:00\"}]");
    var cuts = new ScheduleSource(file, () -> now, () -> 0);

    assertThat(off(cuts, "2026-03-02T18:00:00Z").value()).isEqualTo(1);
    Files.writeString(file, "{}");
    assertThatThrownBy(cuts::read).hasMessageContaining("must be a list of {from, to}");
    Files.writeString(file, "[{\"from\": \"2026-03-02T20:00+02:00\"}]");
    assertThatThrownBy(cuts::read).hasMessageContaining("cuts.json, entry 1");
    Files.writeString(file, "[");
    assertThatThrownBy(cuts::read).hasMessageContaining("is no JSON");
  }

  @Test
  void aScheduleThatCannotBeReadAtTheBeginningIsRefused() throws Exception {
    Path backwards =
        Files.writeString(
            folder.resolve("cuts.csv"), "2026-03-02T22:00+02:00,2026-03-02T20:00+02:00\n");

    assertThatThrownBy(() -> new ScheduleSource(backwards, () -> now, () -> 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("the later one last");
    assertThatThrownBy(() -> new ScheduleSource(folder.resolve("none"), () -> now, () -> 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("no such file");
  }

  @Test
  void aTraceTellsItsSignalsBySeconds() throws Exception {
    Path file =
        Files.writeString(
            folder.resolve("trace.csv"),
            """
            # seconds,reading,value
            30,grid,1
            0,grid,1
            10.5,grid,0
            5,battery,100
            20,battery,silent
            """);
    Instant start = Instant.parse("2026-03-02T00:00:00Z");
    var trace = new TraceSource(file, start, () -> now, () -> 3);

    now = start.minusSeconds(1);
    assertThat(trace.read()).isEmpty();
    now = start;
    assertThat(trace.read()).containsOnlyKeys("grid");
    now = start.plusMillis(10_500);
    assertThat(reading(trace.read(), "grid"))
        .isEqualTo(new Reading(0, 3, List.of(new Reading.Expected(start.plusSeconds(30), 1))));
    assertThat(reading(trace.read(), "battery").value()).isEqualTo(100);
    now = start.plusSeconds(20);
    assertThat(trace.read()).containsOnlyKeys("grid");
    now = start.plusSeconds(3000);
    assertThat(reading(trace.read(), "grid")).isEqualTo(new Reading(1, 3));
  }

  @Test
  void aTraceThatCannotBeReadIsRefusedByLine() throws Exception {
    for (String line : List.of("0,grid", "x,grid,1", "0,grid,on", "0,grid,NaN", "1e400,grid,1")) {
      Path file = Files.writeString(folder.resolve("trace.csv"), "0,grid,1\n" + line + "\n");

      assertThatThrownBy(() -> new TraceSource(file, now, () -> now, () -> 0))
          .as(line)
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("trace.csv, line 2: must be SECONDS,READING,VALUE");
    }
  }

  private Reading at(CalendarSource calendar, String when) {
    now = Instant.parse(when);
    return reading(calendar.read(), "open");
  }

  private Reading off(ScheduleSource cuts, String when) throws IOException {
    now = Instant.parse(when);
    return reading(cuts.read(), "off");
  }
}
