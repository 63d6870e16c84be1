package dev.comity.demo;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// One site: its folder, and the agent's process while it runs. Used by one thread.
final class SiteAgent {
  private static final Pattern FINGERPRINT =
      Pattern.compile("\\b[0-9a-f]{4}(?:-[0-9a-f]{4}){15}\\b");

  private final Children children;
  private final Programs programs;
  private final String site;
  private final Path folder;
  private final Path log;
  private @Nullable Child process;

  SiteAgent(Children children, Programs programs, WorkFolder work, SiteFolder site) {
    this.children = children;
    this.programs = programs;
    this.site = site.site();
    this.folder = site.folder();
    this.log = work.log(site.site());
  }

  String site() {
    return site;
  }

  Path folder() {
    return folder;
  }

  /// What the site reaches alone, once the agent has written it into the site's folder.
  Optional<JsonNode> readBaseline() {
    var file = folder.resolve("baseline.json");
    return Files.exists(file) ? Optional.of(JsonMapper.shared().readTree(file)) : Optional.empty();
  }

  /// Joins with the invitation in a file and returns the fingerprint of the key that the agent
  /// made, read from what it printed.
  String join(Path invitation) throws InterruptedException {
    var printed =
        children.run(
            "site-agent join of " + site,
            log,
            folder,
            programs.shortAgent(
                List.of(
                    "join",
                    "--dir",
                    folder.toString(),
                    "--status-port",
                    "0",
                    "--token-file",
                    invitation.toString())));
    var fingerprint = FINGERPRINT.matcher(printed);
    if (!fingerprint.find()) {
      throw new DemoFailure("site-agent join of " + site + " printed no fingerprint: " + printed);
    }
    return fingerprint.group();
  }

  void start() {
    process =
        children.start(
            "agent of " + site,
            log,
            folder,
            programs.agent(List.of("run", "--dir", folder.toString())));
  }

  /// The process's number, which signals need.
  long pid() {
    var running = process;
    if (running == null) {
      throw new IllegalStateException("the agent of " + site + " does not run");
    }
    return running.pid();
  }

  /// `kill -9`.
  void kill() throws InterruptedException {
    var killed = process;
    if (killed == null) {
      throw new IllegalStateException("the agent of " + site + " was never started");
    }
    children.killed(killed);
    process = null;
  }
}
