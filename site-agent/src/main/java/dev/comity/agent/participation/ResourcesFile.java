package dev.comity.agent.participation;

import dev.comity.agent.resources.Cause;
import dev.comity.agent.resources.ResourceGate;
import dev.comity.agent.resources.Rule;
import dev.comity.agent.resources.Source;
import dev.comity.agent.resources.source.CalendarSource;
import dev.comity.agent.resources.source.Credentials;
import dev.comity.agent.resources.source.JsonEndpoint;
import dev.comity.agent.resources.source.JsonSource;
import dev.comity.agent.resources.source.NutSource;
import dev.comity.agent.resources.source.PrometheusSource;
import dev.comity.agent.resources.source.ScheduleSource;
import dev.comity.agent.resources.source.SysfsSource;
import dev.comity.agent.resources.source.TraceSource;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.DateTimeException;
import java.time.DayOfWeek;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongSupplier;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// `resources.yaml`: where the site's signals come from and what follows from them. Files that it
/// names are found from its own folder. Without it the gate is always open.
///
/// ```yaml
/// every: 10s
/// timeout: 3s
/// sources:
///   ups: {nut: {host: 127.0.0.1, ups: main}}
/// rules:
///   - {name: on battery, signal: ups/online, below: 1, decision: pause, because: power}
/// ```
record ResourcesFile(
    @Nullable String every,
    @Nullable String timeout,
    @Nullable Map<String, ResourcesFile.SourceEntry> sources,
    @Nullable List<ResourcesFile.RuleEntry> rules) {
  private static final Pattern DURATION = Pattern.compile("([0-9]{1,9})(ms|s|m|h)");
  private static final Duration EVERY = Duration.ofSeconds(10);
  private static final Duration SHORTEST_EVERY = Duration.ofMillis(50);
  private static final Duration TIMEOUT = Duration.ofSeconds(3);
  private static final Duration AFTER = Duration.ofSeconds(10);
  private static final Duration BACK = Duration.ofMinutes(2);
  private static final int STALE_POLLS = 6;
  private static final int NUT_PORT = 3493;
  private static final LongSupplier NANOS = System::nanoTime;

  /// A source is one of these.
  record SourceEntry(
      @Nullable Nut nut,
      @Nullable Sysfs sysfs,
      @Nullable Prometheus prometheus,
      @Nullable Http http,
      @Nullable Calendar calendar,
      @Nullable Schedule schedule,
      @Nullable Trace trace) {

    /// @param login file with user name and password
    record Nut(
        @Nullable String host,
        @Nullable Integer port,
        @Nullable String ups,
        @Nullable String login) {}

    record Sysfs(@Nullable String root) {}

    /// @param ca file with the certificates to trust
    /// @param basic file with user name and password
    /// @param bearer file with a token
    record Prometheus(
        @Nullable String url,
        @Nullable Map<String, String> queries,
        @Nullable String ca,
        @Nullable String basic,
        @Nullable String bearer) {}

    /// @param readings JSON pointers by name
    record Http(
        @Nullable String url,
        @Nullable Map<String, String> readings,
        @Nullable String ca,
        @Nullable String basic,
        @Nullable String bearer) {}

    record Calendar(@Nullable String zone, @Nullable List<Window> windows) {}

    record Window(@Nullable List<String> days, @Nullable String from, @Nullable String to) {}

    record Schedule(@Nullable String file) {}

    /// @param start second 0; when the agent starts, unless it is stated
    record Trace(@Nullable String file, @Nullable String start) {}
  }

  record RuleEntry(
      @Nullable String name,
      @Nullable String signal,
      @Nullable Double below,
      @Nullable Double above,
      @Nullable Double until,
      @Nullable String decision,
      @Nullable Double dutyCycle,
      @Nullable String because,
      @Nullable String after,
      @Nullable String back,
      @Nullable String staleAfter) {}

  /// The site's gate, which has looked once.
  ///
  /// @throws RefusedSettings when the file, or one that it names, cannot be used
  static ResourceGate open(Path file, Clock clock) {
    if (!Files.exists(file)) {
      return ResourceGate.alwaysOpen();
    }
    try {
      return StrictYaml.read(file, ResourcesFile.class)
          .gate(Objects.requireNonNull(file.toAbsolutePath().getParent()), clock);
    } catch (IllegalArgumentException e) {
      throw new RefusedSettings("%s: %s".formatted(file, e.getMessage()), e);
    }
  }

  private ResourceGate gate(Path folder, Clock clock) {
    Duration poll = duration("every", every, EVERY);
    Duration patience = duration("timeout", timeout, TIMEOUT);
    if (poll.compareTo(SHORTEST_EVERY) < 0 || !patience.isPositive()) {
      throw new IllegalArgumentException(
          "every %d ms, timeout %d ms: every must be >= %d ms, timeout > 0"
              .formatted(poll.toMillis(), patience.toMillis(), SHORTEST_EVERY.toMillis()));
    }
    var rulesOfSite = new ArrayList<Rule>();
    for (RuleEntry entry : filled("rules", rules)) {
      rulesOfSite.add(rule("rules[%d]".formatted(rulesOfSite.size()), entry, poll, patience));
    }
    var builder = new Sources(folder, patience, clock);
    var opened = new LinkedHashMap<String, Source>();
    for (var entry : required("sources", sources).entrySet()) {
      String prefix = entry.getKey() + "/";
      Set<String> wanted =
          rulesOfSite.stream()
              .map(Rule::signal)
              .filter(signal -> signal.startsWith(prefix))
              .map(signal -> signal.substring(prefix.length()))
              .collect(Collectors.toSet());
      opened.put(
          entry.getKey(), builder.source("sources." + entry.getKey(), entry.getValue(), wanted));
    }
    return ResourceGate.polling(opened, rulesOfSite, poll, patience, clock);
  }

  private static Rule rule(String key, RuleEntry entry, Duration every, Duration timeout) {
    Double below = entry.below();
    Double above = entry.above();
    if ((below == null) == (above == null)) {
      throw new IllegalArgumentException("key %s: must have one of below and above".formatted(key));
    }
    double enter = below != null ? below : Objects.requireNonNull(above);
    Duration stale =
        duration(key + ".staleAfter", entry.staleAfter(), every.multipliedBy(STALE_POLLS));
    if (stale.compareTo(every.plus(timeout)) < 0) {
      throw new IllegalArgumentException(
          "key %s.staleAfter: %d ms: must be at least every and timeout together, %d ms"
              .formatted(key, stale.toMillis(), every.plus(timeout).toMillis()));
    }
    return new Rule(
        required(key + ".name", entry.name()),
        required(key + ".signal", entry.signal()),
        below != null ? Rule.Side.BELOW : Rule.Side.ABOVE,
        enter,
        entry.until() == null ? enter : entry.until(),
        demand(key, entry),
        named(key + ".because", entry.because(), Cause.values()),
        duration(key + ".after", entry.after(), AFTER),
        duration(key + ".back", entry.back(), BACK),
        stale);
  }

  private static Rule.Demand demand(String key, RuleEntry entry) {
    String decision = required(key + ".decision", entry.decision());
    Double share = entry.dutyCycle();
    if (!decision.equals("throttle") && share != null) {
      throw new IllegalArgumentException(
          "key %s.dutyCycle: belongs to decision: throttle".formatted(key));
    }
    return switch (decision) {
      case "throttle" -> new Rule.Demand.Throttle(required(key + ".dutyCycle", share));
      case "pause" -> new Rule.Demand.Pause();
      case "drain" -> new Rule.Demand.Drain();
      default ->
          throw new IllegalArgumentException(
              "key %s.decision: %s is none of throttle, pause, drain".formatted(key, decision));
    };
  }

  /// Makes sources out of entries.
  private record Sources(Path folder, Duration timeout, Clock clock) {

    Source source(String key, SourceEntry entry, Set<String> wanted) {
      long kinds =
          Stream.of(
                  entry.nut(),
                  entry.sysfs(),
                  entry.prometheus(),
                  entry.http(),
                  entry.calendar(),
                  entry.schedule(),
                  entry.trace())
              .filter(Objects::nonNull)
              .count();
      if (kinds != 1) {
        throw new IllegalArgumentException(
            "key %s: must have one of nut, sysfs, prometheus, http, calendar, schedule, trace"
                .formatted(key));
      }
      try {
        if (entry.nut() != null) {
          return nut(entry.nut());
        } else if (entry.sysfs() != null) {
          String root = entry.sysfs().root();
          return new SysfsSource(folder.resolve(root == null ? "/sys" : root), wanted, NANOS);
        } else if (entry.prometheus() != null) {
          var prometheus = entry.prometheus();
          return new PrometheusSource(
              endpoint(prometheus.url(), prometheus.ca(), prometheus.basic(), prometheus.bearer()),
              filled("queries", prometheus.queries()),
              NANOS);
        } else if (entry.http() != null) {
          var http = entry.http();
          return new JsonSource(
              endpoint(http.url(), http.ca(), http.basic(), http.bearer()),
              filled("readings", http.readings()),
              NANOS);
        } else if (entry.calendar() != null) {
          return calendar(entry.calendar());
        } else if (entry.schedule() != null) {
          return new ScheduleSource(
              folder.resolve(required("file", entry.schedule().file())), clock, NANOS);
        } else {
          return trace(Objects.requireNonNull(entry.trace()));
        }
      } catch (IllegalArgumentException e) {
        throw new IllegalArgumentException("key %s: %s".formatted(key, e.getMessage()), e);
      }
    }

    private Source nut(SourceEntry.Nut nut) {
      return new NutSource(
          nut.host() == null ? "127.0.0.1" : nut.host(),
          nut.port() == null ? NUT_PORT : nut.port(),
          required("ups", nut.ups()),
          file(nut.login()).map(Credentials::password),
          timeout,
          NANOS);
    }

    private JsonEndpoint endpoint(
        @Nullable String url,
        @Nullable String ca,
        @Nullable String basic,
        @Nullable String bearer) {
      if (basic != null && bearer != null) {
        throw new IllegalArgumentException("has both basic and bearer: choose one");
      }
      return new JsonEndpoint(
          URI.create(required("url", url)),
          file(ca),
          basic != null
              ? file(basic).map(Credentials::password)
              : file(bearer).map(Credentials::bearer),
          timeout);
    }

    private Source calendar(SourceEntry.Calendar calendar) {
      var windows = new ArrayList<CalendarSource.Window>();
      for (SourceEntry.Window window : filled("windows", calendar.windows())) {
        var days = EnumSet.noneOf(DayOfWeek.class);
        for (String day : filled("days", window.days())) {
          days.add(named("days", day, DayOfWeek.values()));
        }
        windows.add(
            new CalendarSource.Window(days, time("from", window.from()), time("to", window.to())));
      }
      String zone = required("zone", calendar.zone());
      try {
        return new CalendarSource(ZoneId.of(zone), windows, clock, NANOS);
      } catch (DateTimeException e) {
        throw new IllegalArgumentException(
            "zone %s: is no time zone, as Africa/Lusaka is one".formatted(zone), e);
      }
    }

    private Source trace(SourceEntry.Trace trace) {
      String start = trace.start();
      Instant zero = clock.instant();
      if (start != null) {
        try {
          zero = OffsetDateTime.parse(start).toInstant();
        } catch (DateTimeException e) {
          throw new IllegalArgumentException(
              "start %s: must be a time with an offset, as 2026-03-01T18:00:00Z".formatted(start),
              e);
        }
      }
      return new TraceSource(folder.resolve(required("file", trace.file())), zero, clock, NANOS);
    }

    private Optional<Path> file(@Nullable String name) {
      return Optional.ofNullable(name).map(folder::resolve);
    }
  }

  private static LocalTime time(String key, @Nullable String text) {
    String required = required(key, text);
    try {
      return LocalTime.parse(required);
    } catch (DateTimeException e) {
      throw new IllegalArgumentException(
          "%s %s: must be a time of day, as '18:00'".formatted(key, required), e);
    }
  }

  private static Duration duration(String key, @Nullable String text, Duration otherwise) {
    if (text == null) {
      return otherwise;
    }
    var matcher = DURATION.matcher(text);
    if (!matcher.matches()) {
      throw new IllegalArgumentException(
          "key %s: %s is no duration, as 500ms, 10s, 5m and 2h are".formatted(key, text));
    }
    long number = Long.parseLong(matcher.group(1));
    return switch (matcher.group(2)) {
      case "ms" -> Duration.ofMillis(number);
      case "s" -> Duration.ofSeconds(number);
      case "m" -> Duration.ofMinutes(number);
      default -> Duration.ofHours(number);
    };
  }

  private static <E extends Enum<E>> E named(String key, @Nullable String name, E[] values) {
    String required = required(key, name);
    for (E value : values) {
      if (value.name().toLowerCase(Locale.ROOT).equals(required)) {
        return value;
      }
    }
    throw new IllegalArgumentException(
        "key %s: %s is none of %s"
            .formatted(
                key,
                required,
                Stream.of(values)
                    .map(value -> value.name().toLowerCase(Locale.ROOT))
                    .collect(Collectors.joining(", "))));
  }

  private static <T> T required(String key, @Nullable T value) {
    if (value == null) {
      throw new IllegalArgumentException("key %s is missing".formatted(key));
    }
    return value;
  }

  private static <T> List<T> filled(String key, @Nullable List<T> value) {
    List<T> list = required(key, value);
    if (list.isEmpty()) {
      throw new IllegalArgumentException("key %s is empty".formatted(key));
    }
    return list;
  }

  private static <V> Map<String, V> filled(String key, @Nullable Map<String, V> value) {
    Map<String, V> map = required(key, value);
    if (map.isEmpty()) {
      throw new IllegalArgumentException("key %s is empty".formatted(key));
    }
    return map;
  }
}
