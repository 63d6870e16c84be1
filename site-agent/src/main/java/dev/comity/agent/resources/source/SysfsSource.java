package dev.comity.agent.resources.source;

import dev.comity.agent.resources.Reading;
import dev.comity.agent.resources.Source;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.DoubleBinaryOperator;
import java.util.function.LongSupplier;
import java.util.stream.Stream;

/// The machine's own sensors, as Linux shows them under `/sys/class` (kernel documentation,
/// `ABI/testing/sysfs-class-power`, `sysfs-class-thermal`, `sysfs-class-hwmon`,
/// `sysfs-class-powercap`).
///
/// | reading | is |
/// |---|---|
/// | `power_supply.NAME.online` | 1 while that supply feeds the machine |
/// | `power_supply.NAME.capacity` | percent of a battery's charge |
/// | `power_supply.NAME.discharging` | 1 while its status is Discharging |
/// | `thermal.TYPE` | °C; of several zones of one type the hottest |
/// | `hwmon.CHIP.tempN`, `hwmon.CHIP.LABEL` | °C; of several the hottest |
/// | `powercap.NAME` | watts since the poll before; of several zones of one name the sum |
///
/// A file that cannot be read leaves its reading out.
public final class SysfsSource implements Source {
  private static final double MILLI = 1e-3;
  private static final double COLDEST = -60;
  private static final double HOTTEST = 200;

  private final Path classes;
  private final EnumSet<Kind> kinds;
  private final LongSupplier nanos;
  private final Map<Path, Counter> counters = new HashMap<>();

  private enum Kind {
    POWER_SUPPLY,
    THERMAL,
    HWMON,
    POWERCAP;

    private String folder() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  private record Counter(long microjoules, long at) {}

  /// @param root `/sys`
  /// @param wanted names of readings; kinds of sensors that none of them names are left alone
  public SysfsSource(Path root, Set<String> wanted, LongSupplier nanos) {
    this.classes = root.resolve("class");
    this.nanos = nanos;
    this.kinds = EnumSet.noneOf(Kind.class);
    for (String name : wanted) {
      kinds.add(
          Stream.of(Kind.values())
              .filter(kind -> name.startsWith(kind.folder() + "."))
              .findFirst()
              .orElseThrow(() ->
                  new IllegalArgumentException(
                      "%s: the machine's sensors are power_supply.…, thermal.…, hwmon.… and powercap.…"
                          .formatted(name))));
    }
  }

  @Override
  public Optional<Set<String>> names() {
    return Optional.empty();
  }

  @Override
  public Map<String, Reading> read() throws IOException {
    var found = new HashMap<String, Double>();
    for (Kind kind : kinds) {
      for (Path device : devices(kind)) {
        switch (kind) {
          case POWER_SUPPLY -> powerSupply(device, found);
          case THERMAL -> thermal(device, found);
          case HWMON -> hwmon(device, found);
          case POWERCAP -> powercap(device, found);
        }
      }
    }
    long now = nanos.getAsLong();
    var readings = new HashMap<String, Reading>();
    found.forEach((name, value) -> readings.put(name, new Reading(value, now)));
    return readings;
  }

  private List<Path> devices(Kind kind) throws IOException {
    var folder = classes.resolve(kind.folder());
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (Stream<Path> devices = Files.list(folder)) {
      return devices.sorted().toList();
    }
  }

  private static void powerSupply(Path device, Map<String, Double> found) {
    String name = "power_supply." + device.getFileName() + ".";
    integer(device.resolve("online")).ifPresent(v -> found.put(name + "online", v > 0 ? 1.0 : 0.0));
    integer(device.resolve("capacity")).ifPresent(v -> found.put(name + "capacity", (double) v));
    text(device.resolve("status"))
        .ifPresent(v -> found.put(name + "discharging", v.equals("Discharging") ? 1.0 : 0.0));
  }

  private static void thermal(Path device, Map<String, Double> found) {
    if (device.getFileName().toString().startsWith("thermal_zone")) {
      text(device.resolve("type"))
          .ifPresent(type -> temperature(device.resolve("temp"), "thermal." + type, found));
    }
  }

  private static void hwmon(Path device, Map<String, Double> found) throws IOException {
    Optional<String> chip = text(device.resolve("name"));
    if (chip.isEmpty()) {
      return;
    }
    try (Stream<Path> files = Files.list(device)) {
      for (Path file : files.sorted().toList()) {
        String name = file.getFileName().toString();
        if (name.matches("temp[0-9]+_input")) {
          String sensor = name.substring(0, name.indexOf('_'));
          temperature(file, "hwmon.%s.%s".formatted(chip.get(), sensor), found);
          text(device.resolve(sensor + "_label"))
              .ifPresent(
                  label -> temperature(file, "hwmon.%s.%s".formatted(chip.get(), label), found));
        }
      }
    }
  }

  /// What no machine that still reads it can have is a sensor's mistake.
  private static void temperature(Path file, String name, Map<String, Double> found) {
    integer(file)
        .map(millidegrees -> millidegrees * MILLI)
        .filter(degrees -> degrees > COLDEST && degrees < HOTTEST)
        .ifPresent(degrees -> merge(found, name, degrees, Math::max));
  }

  /// The counter of energy begins anew after `max_energy_range_uj`.
  private void powercap(Path zone, Map<String, Double> found) {
    Optional<String> name = text(zone.resolve("name"));
    Optional<Long> energy = integer(zone.resolve("energy_uj"));
    if (name.isEmpty() || energy.isEmpty()) {
      return;
    }
    var now = new Counter(energy.get(), nanos.getAsLong());
    Counter before = counters.put(zone, now);
    if (before == null || now.at() <= before.at()) {
      return;
    }
    long used = now.microjoules() - before.microjoules();
    if (used < 0) {
      Optional<Long> range = integer(zone.resolve("max_energy_range_uj"));
      if (range.isEmpty() || used + range.get() < 0) {
        return;
      }
      used += range.get();
    }
    // µJ/ns = kW
    merge(found, "powercap." + name.get(), 1e3 * used / (now.at() - before.at()), Double::sum);
  }

  private static void merge(
      Map<String, Double> found, String name, double value, DoubleBinaryOperator both) {
    found.merge(name, value, both::applyAsDouble);
  }

  private static Optional<Long> integer(Path file) {
    try {
      return text(file).map(Long::parseLong);
    } catch (NumberFormatException e) {
      return Optional.empty();
    }
  }

  /// Sensors that sleep or are absent answer with an error: they have no reading.
  private static Optional<String> text(Path file) {
    try {
      return Optional.of(Files.readString(file, StandardCharsets.UTF_8).strip())
          .filter(text -> !text.isEmpty());
    } catch (IOException e) {
      return Optional.empty();
    }
  }
}
