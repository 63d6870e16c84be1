package dev.comity.agent;

import dev.comity.agent.participation.AgentSettings;
import dev.comity.agent.participation.SiteDirectory;
import dev.comity.agent.protection.DurableFile;
import java.io.IOException;
import java.io.PrintWriter;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// `site-agent status`: asks the running agent.
@Command(
    name = "status",
    description = "Shows what the running agent does.",
    mixinStandardHelpOptions = true,
    versionProvider = AgentCommand.Version.class)
final class StatusCommand implements Callable<Integer> {
  private static final Duration TIMEOUT = Duration.ofSeconds(5);
  private static final int OK = 200;

  @CommandLine.Spec private CommandLine.Model.CommandSpec spec;

  @Option(names = "--dir", required = true, description = "The folder of a site that has joined.")
  private Path directory;

  @Option(names = "--json", description = "Prints the status as JSON.")
  private boolean json;

  @Override
  public Integer call() throws InterruptedException {
    var site = new SiteDirectory(directory);
    var settings = AgentSettings.read(site);
    String body = fetch(site, settings);
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      out.println(body);
    } else {
      print(JsonMapper.builder().build().readTree(body), out);
    }
    out.flush();
    return CommandLine.ExitCode.OK;
  }

  private static String fetch(SiteDirectory site, AgentSettings settings)
      throws InterruptedException {
    String port =
        new DurableFile(site.statusPort())
            .read()
            .map(content -> new String(content, StandardCharsets.US_ASCII).strip())
            .orElseThrow(() -> notRunning(site, null));
    try (var http = HttpClient.newBuilder().connectTimeout(TIMEOUT).build()) {
      var response =
          http.send(
              HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/status"))
                  .timeout(TIMEOUT)
                  .build(),
              HttpResponse.BodyHandlers.ofString());
      if (response.statusCode() != OK || !response.body().contains(settings.site().value())) {
        throw notRunning(site, null);
      }
      return response.body();
    } catch (IOException e) {
      throw notRunning(site, e);
    }
  }

  private static IllegalStateException notRunning(
      SiteDirectory site, @org.jspecify.annotations.Nullable IOException cause) {
    return new IllegalStateException(
        "no agent runs in %s: start it with site-agent run --dir %s"
            .formatted(site.path(), site.path()),
        cause);
  }

  private static void print(JsonNode status, PrintWriter out) {
    out.printf(
        "site %s of federation %s: %s, %s since %s%n",
        status.path("site").asString(),
        status.path("federation").asString(),
        status.path("state").asString().toLowerCase(Locale.ROOT),
        status.path("connected").asBoolean() ? "connected" : "not connected",
        status.path("since").asString());
    out.printf("message key %s%n", status.path("fingerprint").asString());
    out.printf(
        "membership version %d%s, updates in doubt %d%n",
        status.path("membershipVersion").asLong(),
        status.path("membershipExpiresAt").isString()
            ? " until " + status.path("membershipExpiresAt").asString()
            : "",
        status.path("inDoubt").asInt());
    out.printf("audit log countersigned up to leaf %d%n", status.path("auditedSize").asLong());
    if (status.path("auditAlarm").isString()) {
      out.printf("AUDIT ALARM: %s%n", status.path("auditAlarm").asString());
    }
    JsonNode resources = status.path("resources");
    out.printf(
        "resources: %s since %s%s%n",
        resources.path("decision").asString().toLowerCase(Locale.ROOT),
        resources.path("since").asString(),
        resources.path("nextWindow").isString()
            ? ", until about " + resources.path("nextWindow").asString()
            : "");
    for (JsonNode reason : resources.path("reasons")) {
      out.printf("  because %s%n", reason.asString());
    }
    for (JsonNode signal : resources.path("signals")) {
      out.printf(
          "  %s %s%s%n",
          signal.path("name").asString(),
          signal.path("value").isNumber() ? signal.path("value").asString() : "-",
          signal.path("stale").asBoolean() ? " (stale)" : "");
    }
    for (JsonNode round : status.path("rounds")) {
      out.printf(
          "run %s round %d: %s, %d/10%s%n",
          round.path("run").asString(),
          round.path("round").asInt(),
          round.path("phase").asString().toLowerCase(Locale.ROOT).replace('_', ' '),
          round.path("tenths").asInt(),
          round.path("reason").isString() ? " (" + round.path("reason").asString() + ")" : "");
    }
    if (status.path("problem").isString()) {
      out.printf("problem: %s%n", status.path("problem").asString());
    }
  }
}
