package dev.comity.agent.participation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comity.plan.RunKind;
import dev.comity.plan.SiteId;
import dev.comity.protocol.v1.ReportRequest;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.json.JsonMapper;

/// The command itself, in processes of its own.
class AgentProcessIT {
  private static final SiteId SITE = new SiteId("s1");

  @TempDir Path folder;
  private TestAggregator aggregator;
  private final List<Process> processes = new ArrayList<>();

  @BeforeEach
  void join() throws Exception {
    aggregator = new TestAggregator(Files.createDirectories(folder.resolve("spool")));
    for (String site : new String[] {"s1", "s2", "s3", "s4"}) {
      TestSites.join(aggregator, directory(site), new SiteId(site));
    }
  }

  @AfterEach
  void stop() {
    processes.forEach(Process::destroyForcibly);
    aggregator.close();
  }

  @Test
  void aProcessRunsIsKilledAndGoesOn() throws Exception {
    Process first = start("run", "--dir", directory("s1").path().toString());
    aggregator.admit();
    aggregator.open(1, RunKind.TRAIN);
    aggregator.await("the site is ready", () -> aggregator.ready().contains(SITE));
    String port = Files.readString(directory("s1").statusPort());
    assertThat(get("http://127.0.0.1:%s/health".formatted(port))).contains("UP");
    var status =
        JsonMapper.builder().build().readTree(get("http://127.0.0.1:%s/status".formatted(port)));
    assertThat(status.path("state").asString()).isEqualTo("ACTIVE");
    assertThat(status.path("rounds").get(0).path("phase").asString()).isEqualTo("READY");
    assertThat(get("http://127.0.0.1:%s/".formatted(port)))
        .contains("<h1>s1</h1>", "<td>ready<td>10/10");
    assertThat(get("http://127.0.0.1:%s/actuator/health".formatted(port)))
        .contains("\"status\":\"UP\"");
    assertThat(get("http://127.0.0.1:%s/actuator/prometheus".formatted(port)))
        .contains("comity_agent_connected 1.0", "comity_agent_rounds{phase=\"ready\"} 1.0");
    assertThat(get("http://127.0.0.1:%s/actuator/env".formatted(port))).contains("404");
    assertThat(finish(start("status", "--dir", directory("s1").path().toString())))
        .contains("site s1 of federation test: active, connected");

    Process doctor = start("doctor", "--json", "--dir", directory("s1").path().toString());
    String found =
        finish(doctor)
            .lines()
            .dropWhile(line -> !line.startsWith("[")) // what java itself warns of
            .collect(Collectors.joining("\n"));
    assertThat(JsonMapper.builder().build().readTree(found).valueStream())
        .extracting(check -> check.path("check").asString())
        .contains("reachability", "pytorch");

    Process second = start("run", "--dir", directory("s1").path().toString());
    assertThat(finish(second)).contains("another agent runs in");
    assertThat(second.exitValue()).isEqualTo(1);

    first.destroyForcibly().waitFor();
    assertThat(finish(start("status", "--dir", directory("s1").path().toString())))
        .contains("no agent runs in");
    aggregator.forgetGreeting(SITE);
    Process third = start("run", "--dir", directory("s1").path().toString());
    aggregator.await("it is back", () -> aggregator.greeted(SITE));

    third.destroy();
    assertThat(third.waitFor(80, TimeUnit.SECONDS)).isTrue();
  }

  /// What site operators and orchestrators rely on: at most 80 s from the signal to the exit.
  @Test
  void aProcessThatIsTerminatedInTrainingSavesItExitsInTimeAndTheNextGoesOn() throws Exception {
    slowly("pause", 1);
    Process first = start("run", "--dir", directory("s1").path().toString());
    trainATenth(first);

    long terminated = System.nanoTime();
    Instant signalled = Instant.now();
    first.toHandle().destroy(); // SIGTERM
    assertThat(first.waitFor(80, TimeUnit.SECONDS)).isTrue();
    System.out.printf(
        "from SIGTERM to the exit: %d ms%n", (System.nanoTime() - terminated) / 1_000_000);

    assertThat(first.exitValue()).as("work is left").isEqualTo(75);
    try (var files = Files.list(directory("s1").state().resolve("checkpoints"))) {
      assertThat(files.filter(file -> file.toString().endsWith(".checkpoint")))
          .singleElement()
          .satisfies(checkpoint ->
              assertThat(Files.getLastModifiedTime(checkpoint).toInstant())
                  .as("written after the signal")
                  .isAfter(signalled));
    }
    assertThat(goesOn()).doesNotContain(0);
  }

  @Test
  void aProcessThatItsSiteDrainsSavesItsTrainingExitsAndTheNextGoesOn() throws Exception {
    slowly("drain", 1);
    Process first = start("run", "--dir", directory("s1").path().toString());
    trainATenth(first);

    Files.writeString(directory("s1").path().resolve("trace.csv"), "0,grid,0\n0,warm,1\n");

    assertThat(first.waitFor(80, TimeUnit.SECONDS)).isTrue();
    assertThat(first.exitValue()).isEqualTo(75);
    assertThat(aggregator.reports(SITE))
        .filteredOn(ReportRequest::hasPaused)
        .first()
        .satisfies(said -> assertThat(said.getPaused().getReason()).isEqualTo("no power"));
    assertThat(goesOn()).doesNotContain(0);
  }

  @Test
  void aProcessWithoutWorkExitsWithoutAskingToBeStartedAgain() throws Exception {
    Process process = start("run", "--dir", directory("s1").path().toString());
    aggregator.admit();
    aggregator.await("it is there", () -> aggregator.greeted(SITE));
    String status = finish(start("status", "--dir", directory("s1").path().toString()));
    assertThat(status).contains("resources: run since ");

    process.toHandle().destroy();

    assertThat(process.waitFor(80, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).isZero();
  }

  /// A gate that makes a training of s1 last.
  private void slowly(String decision, int warm) throws IOException {
    Files.writeString(
        directory("s1").path().resolve("trace.csv"), "0,grid,1\n0,warm,%d\n".formatted(warm));
    Files.writeString(
        directory("s1").path().resolve("resources.yaml"),
        """
        every: 50ms
        sources: {demo: {trace: {file: trace.csv}}}
        rules:
          - {name: grid, signal: demo/grid, below: 1, decision: %s, because: power,
             after: 0s, back: 0s, staleAfter: 30s}
          - {name: warm, signal: demo/warm, above: 0, decision: throttle, dutyCycle: 0.1,
             because: heat, after: 0s, back: 0s, staleAfter: 30s}
        """
            .formatted(decision));
  }

  private void trainATenth(Process process) throws Exception {
    aggregator.await("it is there", () -> aggregator.greeted(SITE));
    aggregator.admit();
    aggregator.open(1, RunKind.TRAIN, plan -> TestPlans.batches(plan, 1_500));
    aggregator.await(
        "the site has trained a tenth",
        () ->
            aggregator.reports(SITE).stream().anyMatch(said -> said.getProgress().getTenths() > 0));
    assertThat(process.isAlive()).isTrue();
  }

  /// The tenths that a new process tells until it is ready.
  private List<Integer> goesOn() throws Exception {
    int before = aggregator.reports(SITE).size();
    slowly("pause", 0);
    start("run", "--dir", directory("s1").path().toString());
    aggregator.await("the site is ready", () -> aggregator.ready().contains(SITE));
    return aggregator.reports(SITE).stream()
        .skip(before)
        .filter(ReportRequest::hasProgress)
        .map(said -> said.getProgress().getTenths())
        .toList();
  }

  @Test
  void aMistakeInTheSettingsEndsTheProcessWithOneLine() throws Exception {
    Path settings = directory("s2").settings();
    Files.writeString(settings, Files.readString(settings) + "colour: blue\n");

    Process process = start("run", "--dir", directory("s2").path().toString());

    String output = finish(process);
    assertThat(output).contains("unknown key colour").doesNotContain("\tat ");
    assertThat(process.exitValue()).isEqualTo(1);
  }

  @Test
  void aMappingToAMissingColumnEndsTheProcessWithOneLine() throws Exception {
    Path mapping = directory("s3").path().resolve("mapping.yaml");
    Files.writeString(mapping, Files.readString(mapping).replace("numeric: b", "numeric: bb"));

    Process process = start("run", "--dir", directory("s3").path().toString());

    String output = finish(process);
    assertThat(output).contains("bb").contains("data.csv").doesNotContain("\tat ");
    assertThat(process.exitValue()).isEqualTo(1);
  }

  @Test
  void theCommandExplainsItself() throws Exception {
    assertThat(finish(start("--help")))
        .contains(
            "join", "run", "status", "policy", "approvals", "withdraw", "doctor", "Exit codes");
    assertThat(finish(start("policy", "explain", "--help")))
        .contains("PLAN", "3   this site would refuse", "4   the plan would wait");
    assertThat(finish(start("--version"))).contains("site-agent ");
    Process wrong = start("run");
    assertThat(finish(wrong)).contains("--dir");
    assertThat(wrong.exitValue()).isEqualTo(2);
  }

  private Process start(String... arguments) throws IOException {
    var command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx512m",
                "--add-modules",
                "jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty(
                    "surefire.test.class.path", System.getProperty("java.class.path")),
                "dev.comity.agent.AgentApplication"));
    command.addAll(List.of(arguments));
    var process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("out-" + processes.size()).toFile())
            .start();
    processes.add(process);
    return process;
  }

  /// The output of a process that ends by itself.
  private String finish(Process process) throws Exception {
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    return Files.readString(folder.resolve("out-" + processes.indexOf(process)));
  }

  private static String get(String url) throws Exception {
    try (var http = HttpClient.newHttpClient()) {
      return http.send(
              HttpRequest.newBuilder(URI.create(url)).build(), HttpResponse.BodyHandlers.ofString())
          .body();
    }
  }

  private SiteDirectory directory(String site) {
    return new SiteDirectory(folder.resolve(site));
  }
}
