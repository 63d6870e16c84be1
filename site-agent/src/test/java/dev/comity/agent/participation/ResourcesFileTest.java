package dev.comity.agent.participation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.comity.agent.resources.Cause;
import dev.comity.agent.resources.Decision;
import dev.comity.agent.resources.GateStatus;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ResourcesFileTest {
  private static final Clock MONDAY_NOON =
      Clock.fixed(Instant.parse("2026-03-02T10:00:00Z"), ZoneOffset.UTC);
  private static final String SOURCES =
      """
      sources:
        demo: {trace: {file: trace.csv}}
        week: {calendar: {zone: Africa/Lusaka, windows: [{days: [monday], from: 18:00, to: 06:00}]}}
      """;
  private static final String RULE =
      "{name: r, signal: demo/grid, below: 1, decision: pause, because: power}";

  @TempDir Path folder;

  @BeforeEach
  void trace() throws IOException {
    Files.writeString(folder.resolve("trace.csv"), "0,grid,1\n0,inlet,24\n");
  }

  @Test
  void withoutAFileTheGateIsAlwaysOpen() {
    try (var gate = ResourcesFile.open(folder.resolve("resources.yaml"), MONDAY_NOON)) {
      assertThat(gate.status().decision()).isEqualTo(new Decision.Run());
    }
  }

  @Test
  void aSiteOutsideItsHoursPausesUntilTheyBegin() throws Exception {
    var status =
        look(
            SOURCES
                + """
                rules:
                  - {name: power, signal: demo/grid, below: 1, decision: drain, because: power}
                  - {name: night, signal: week/open, below: 1, decision: pause, because: hours,
                     after: 0s, back: 0s}
                """);

    assertThat(status.decision())
        .isInstanceOfSatisfying(
            Decision.Pause.class,
            pause -> {
              assertThat(pause.reasons())
                  .containsExactly(new Decision.Reason("night", Cause.HOURS));
              assertThat(pause.nextWindow()).contains(Instant.parse("2026-03-02T16:00:00Z"));
            });
    assertThat(status.signals())
        .extracting(GateStatus.Signal::name)
        .containsExactly("demo/grid", "week/open");
  }

  @Test
  void aThrottleHasItsDutyCycle() throws Exception {
    var status =
        look(
            SOURCES
                + """
                rules:
                  - {name: warm, signal: demo/inlet, above: 23.5, until: 22, decision: throttle,
                     dutyCycle: 0.3, because: heat, staleAfter: 20s}
                """);

    assertThat(status.decision())
        .isInstanceOfSatisfying(
            Decision.Throttle.class, throttle -> assertThat(throttle.dutyCycle()).isEqualTo(0.3));
  }

  @Test
  void aTraceMayBeginAtATimeOfItsOwn() throws Exception {
    Files.writeString(folder.resolve("trace.csv"), "0,grid,1\n7200,grid,0\n");
    String rules = "rules: [" + RULE + "]\n";

    assertThat(look("sources: {demo: {trace: {file: trace.csv}}}\n" + rules).decision())
        .isEqualTo(new Decision.Run());
    assertThat(
            look("sources: {demo: {trace: {file: trace.csv, start: 2026-03-02T10:00+02:00}}}\n"
                    + rules)
                .decision())
        .isInstanceOf(Decision.Pause.class);
  }

  @Test
  void theExampleOfTheManualIsTaken() throws Exception {
    String manual = Files.readString(Path.of("../docs/site-operator.md"));
    Matcher example =
        Pattern.compile("```yaml\n(# resources\\.yaml.*?)```", Pattern.DOTALL).matcher(manual);
    assertThat(example.find()).isTrue();
    Files.writeString(folder.resolve("cuts.csv"), "");
    Path login = Files.writeString(folder.resolve("bmc.login"), "root\nsecret\n");
    Files.setPosixFilePermissions(login, PosixFilePermissions.fromString("rw-------"));
    Files.writeString(
        folder.resolve("bmc.pem"), TestAuthority.pem(new TestAuthority().certificate()));

    var status =
        look(
            example
                .group(1)
                .replace("host: 127.0.0.1", "host: 127.0.0.1, port: 1")
                .replace("http://127.0.0.1:9090", "http://127.0.0.1:1")
                .replace("https://bmc.example", "https://127.0.0.1:1"));

    assertThat(status.signals()).hasSizeGreaterThan(5);
    assertThat(status.decision()).as("nothing answers").isInstanceOf(Decision.Pause.class);
  }

  @Test
  void whatCannotBeMeantIsRefusedByItsKey() throws Exception {
    refused(SOURCES + "rules: [" + RULE + "]\ncolour: blue\n", "unknown key colour");
    refused(SOURCES + "rules: []\n", "key rules is empty");
    refused(SOURCES, "key rules is missing");
    refused("rules: [" + RULE + "]\n", "key sources is missing");
    refused(
        SOURCES + "rules: [" + RULE.replace("demo/grid", "mains/grid") + "]\n",
        "rule r: signal mains/grid is of no source",
        "[demo, week]");
    refused(
        SOURCES + "rules: [" + RULE.replace("demo/grid", "week/shut") + "]\n",
        "rule r: signal week/shut: that source gives [open]");
    refused(
        SOURCES + "rules: [" + RULE.replace("below: 1", "below: 1, above: 2") + "]\n",
        "key rules[0]: must have one of below and above");
    refused(
        SOURCES + "rules: [" + RULE.replace("below: 1", "below: 1, until: 0") + "]\n",
        "until must be 1.0 or above");
    refused(
        SOURCES + "rules: [" + RULE.replace("pause", "stop") + "]\n",
        "key rules[0].decision: stop is none of throttle, pause, drain");
    refused(
        SOURCES + "rules: [" + RULE.replace("pause", "throttle") + "]\n",
        "key rules[0].dutyCycle is missing");
    refused(
        SOURCES + "rules: [" + RULE.replace("pause", "pause, dutyCycle: 0.5") + "]\n",
        "key rules[0].dutyCycle: belongs to decision: throttle");
    refused(
        SOURCES + "rules: [" + RULE.replace("because: power", "because: rain") + "]\n",
        "key rules[0].because: rain is none of power, heat, hours");
    refused(
        SOURCES + "rules: [" + RULE.replace("because: power", "because: power, after: 5") + "]\n",
        "key rules[0].after: 5 is no duration");
    refused(
        SOURCES + "rules: [" + RULE.replace("power}", "power, staleAfter: 12s}") + "]\n",
        "key rules[0].staleAfter: 12000 ms: must be at least every and timeout together, 13000 ms");
    refused("every: 10ms\n" + SOURCES + "rules: [" + RULE + "]\n", "every must be >= 50 ms");
    refused(SOURCES + "rules: [" + RULE + ", " + RULE + "]\n", "rule r: is there twice");
  }

  @Test
  void aSourceThatCannotBeMeantIsRefusedByItsKey() throws Exception {
    source("{}", "key sources.s: must have one of nut, sysfs,");
    source("{schedule: {file: a}, trace: {file: b}}", "key sources.s: must have one of");
    source("{schedule: {file: none.csv}}", "key sources.s: ", "none.csv: no such file");
    source("{schedule: {}}", "key sources.s: key file is missing");
    source("{nut: {host: 127.0.0.1}}", "key sources.s: key ups is missing");
    source("{nut: {ups: 'a b'}}", "key sources.s: ups a b: must be a name");
    source("{nut: {ups: a, colour: red}}", "unknown key colour");
    source("{sysfs: {root: /sys}}", "key sources.s: grid: the machine's sensors are");
    source("{http: {url: 'http://127.0.0.1:1'}}", "key sources.s: key readings is missing");
    source(
        "{http: {url: 'http://bmc', readings: {grid: /a}, basic: a, bearer: b}}",
        "key sources.s: has both basic and bearer");
    source("{prometheus: {queries: {grid: up}}}", "key sources.s: key url is missing");
    source(
        "{calendar: {zone: Mars, windows: [{days: [monday], from: '1:00', to: '2:00'}]}}",
        "key sources.s: from 1:00: must be a time of day");
    source(
        "{calendar: {zone: Mars, windows: [{days: [monday], from: '01:00', to: '02:00'}]}}",
        "key sources.s: zone Mars: is no time zone");
    source(
        "{calendar: {zone: UTC, windows: [{days: [lundi], from: '01:00', to: '02:00'}]}}",
        "key days: lundi is none of monday, tuesday");
    source("{trace: {file: trace.csv, start: noon}}", "key sources.s: start noon: must be a time");
  }

  private void source(String entry, String... parts) throws IOException {
    refused("sources: {s: %s}\nrules: [%s]\n".formatted(entry, RULE.replace("demo/", "s/")), parts);
  }

  private void refused(String yaml, String... parts) throws IOException {
    Path file = Files.writeString(folder.resolve("resources.yaml"), yaml);

    assertThatThrownBy(() -> ResourcesFile.open(file, MONDAY_NOON).close())
        .isInstanceOf(RefusedSettings.class)
        .hasMessageContaining("resources.yaml")
        .hasMessageContainingAll(parts);
  }

  private GateStatus look(String yaml) throws IOException {
    Path file = Files.writeString(folder.resolve("resources.yaml"), yaml);
    try (var gate = ResourcesFile.open(file, MONDAY_NOON)) {
      return gate.status();
    }
  }
}
