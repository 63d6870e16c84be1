package dev.comity.agent.resources.source;

import static dev.comity.agent.resources.source.Readings.reading;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SysfsSourceTest {
  private static final long SECOND = 1_000_000_000L;

  @TempDir Path root;
  private final AtomicLong now = new AtomicLong();

  @Test
  void aMachinesPowerSuppliesAreRead() throws Exception {
    write("class/power_supply/AC/online", "0");
    write("class/power_supply/BAT0/capacity", "83");
    write("class/power_supply/BAT0/status", "Discharging");
    write("class/power_supply/BAT1/status", "Full");

    var readings = source("power_supply.AC.online").read();

    assertThat(reading(readings, "power_supply.AC.online").value()).isZero();
    assertThat(reading(readings, "power_supply.BAT0.capacity").value()).isEqualTo(83);
    assertThat(reading(readings, "power_supply.BAT0.discharging").value()).isEqualTo(1);
    assertThat(reading(readings, "power_supply.BAT1.discharging").value()).isZero();
    assertThat(readings).doesNotContainKey("power_supply.BAT1.capacity");
  }

  @Test
  void theHottestZoneOfATypeCounts() throws Exception {
    zone(0, "x86_pkg_temp", "61000");
    zone(1, "acpitz", "-63000");
    zone(2, "x86_pkg_temp", "74500");
    zone(3, "iwlwifi", "9200000000000000000");
    write("class/thermal/cooling_device0/type", "Fan");
    write("class/thermal/cooling_device0/temp", "1000");

    var readings = source("thermal.x86_pkg_temp").read();

    assertThat(readings).containsOnlyKeys("thermal.x86_pkg_temp");
    assertThat(reading(readings, "thermal.x86_pkg_temp").value()).isCloseTo(74.5, within(1e-9));
  }

  @Test
  void hardwareMonitorsAreReadByChipSensorAndLabel() throws Exception {
    write("class/hwmon/hwmon0/name", "k10temp");
    write("class/hwmon/hwmon0/temp1_input", "55250");
    write("class/hwmon/hwmon0/temp1_label", "Tctl");
    write("class/hwmon/hwmon1/name", "nvme");
    write("class/hwmon/hwmon1/temp1_input", "");

    var readings = source("hwmon.k10temp.Tctl").read();

    assertThat(readings).containsOnlyKeys("hwmon.k10temp.temp1", "hwmon.k10temp.Tctl");
    assertThat(reading(readings, "hwmon.k10temp.Tctl").value()).isCloseTo(55.25, within(1e-9));
  }

  @Test
  void wattsFollowFromTheCounterOfEnergyAlsoWhenItBeginsAnew() throws Exception {
    counter(0, "package-0", 262_143_000_000L, 262_143_328_850L);
    counter(1, "package-1", 1_000_000L, 262_143_328_850L);
    var source = source("powercap.package-0");

    assertThat(source.read()).as("one look tells no power").isEmpty();
    now.addAndGet(10 * SECOND);
    counter(0, "package-0", 99_671_150L, 262_143_328_850L);
    counter(1, "package-1", 151_000_000L, 262_143_328_850L);
    var readings = source.read();

    assertThat(reading(readings, "powercap.package-0").value())
        .as("0.32885 J to the counter's end and 99.67115 J from its begin, in 10 s")
        .isCloseTo(10, within(1e-9));
    assertThat(reading(readings, "powercap.package-1").value()).isCloseTo(15, within(1e-9));
    assertThat(source.read()).as("no time has passed").isEmpty();
  }

  @Test
  void aCounterThatFellWithoutARangeTellsNothing() throws Exception {
    counter(0, "package-0", 5_000_000L, 1_000L);
    var source = source("powercap.package-0");
    source.read();
    now.addAndGet(SECOND);
    counter(0, "package-0", 1_000_000L, 1_000L);

    assertThat(source.read()).isEmpty();
  }

  @Test
  void kindsThatNoRuleNamesAreLeftAlone() throws Exception {
    zone(0, "x86_pkg_temp", "61000");
    write("class/power_supply/AC/online", "1");

    assertThat(source("power_supply.AC.online").read()).containsOnlyKeys("power_supply.AC.online");
  }

  @Test
  void aMachineWithoutSensorsHasNoReadings() throws Exception {
    assertThat(source("hwmon.k10temp.Tctl", "thermal.acpitz").read()).isEmpty();
  }

  @Test
  void aNameOfNoKindIsRefused() {
    assertThatThrownBy(() -> source("fan.speed"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "fan.speed: the machine's sensors are power_supply.…, thermal.…, hwmon.… and"
                + " powercap.…");
  }

  private SysfsSource source(String... wanted) {
    return new SysfsSource(root, Set.of(wanted), now::get);
  }

  private void zone(int number, String type, String temperature) throws IOException {
    write("class/thermal/thermal_zone%d/type".formatted(number), type);
    write("class/thermal/thermal_zone%d/temp".formatted(number), temperature);
  }

  private void counter(int number, String name, long microjoules, long range) throws IOException {
    String zone = "class/powercap/intel-rapl:%d/".formatted(number);
    write(zone + "name", name);
    write(zone + "energy_uj", Long.toString(microjoules));
    write(zone + "max_energy_range_uj", Long.toString(range));
  }

  private void write(String path, String content) throws IOException {
    Path file = root.resolve(path);
    Files.createDirectories(Objects.requireNonNull(file.getParent()));
    Files.writeString(file, content + "\n");
  }
}
