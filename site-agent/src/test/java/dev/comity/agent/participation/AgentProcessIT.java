package dev.comity.agent.participation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comity.plan.RunKind;
import dev.comity.plan.SiteId;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
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
    assertThat(JsonMapper.builder().build().readTree(finish(doctor)).valueStream())
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
    assertThat(third.waitFor(30, TimeUnit.SECONDS)).isTrue();
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
