package dev.comity.e2e;

import static java.nio.charset.StandardCharsets.US_ASCII;

import dev.comity.demo.LiveEvents;
import dev.comity.demo.LocalFederation;
import dev.comity.demo.SyntheticFederation;
import dev.comity.formats.SafetensorsFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;

/// Five sites and an aggregator in processes of their own, whose only randomness that a model
/// depends on is injected: the sites' secrets, the run's id and its seed. Two of them with the same
/// runs make the same models.
final class FederationUnderTest implements AutoCloseable {
  static final List<String> SITES = List.of("site-1", "site-2", "site-3", "site-4", "site-5");

  private static final Path CHECKOUT = Path.of("").toAbsolutePath().resolve("../..").normalize();
  private static final Duration LIMIT = Duration.ofMinutes(3);

  /// A database that lost its parent ends by itself, a little later than who stopped it.
  private static final Duration ENDING = Duration.ofSeconds(30);

  private static final Duration LONGEST_SILENCE = Duration.ofMillis(500);

  private final Path folder;
  private final LocalFederation federation;
  private final Set<String> stopped = new HashSet<>();
  private final Set<String> down = new HashSet<>();
  private final Set<ProcessHandle> seen = new HashSet<>();

  private FederationUnderTest(Path folder, LocalFederation federation) {
    this.folder = folder;
    this.federation = federation;
  }

  static FederationUnderTest start(Path folder) throws IOException, InterruptedException {
    var sites = SyntheticFederation.write(folder.resolve("sites"), SITES.size(), 0, 0, true, 7);
    for (var site : sites) {
      var keys = Files.createDirectories(site.folder().resolve("keys"));
      Files.write(
          keys.resolve("site.secret"),
          Arrays.copyOf(("the secret of " + site.site()).getBytes(US_ASCII), 32));
    }
    var federation = LocalFederation.start(CHECKOUT, folder.resolve("federation"), sites, 1);
    var started = new FederationUnderTest(folder, federation);
    started.seen.addAll(federation.processes());
    return started;
  }

  /// Submits a run and returns its id.
  String submit(JsonNode request) throws Exception {
    return federation.submit(request);
  }

  LiveEvents follow(String run) {
    return federation.follow(run);
  }

  JsonNode get(String path) throws Exception {
    return federation.get(path);
  }

  /// What has to become true.
  interface Condition {
    boolean holds() throws Exception;
  }

  /// Waits until `condition` holds, looking whenever something happens in the run.
  void await(String run, LiveEvents events, String what, Condition condition) throws Exception {
    long end = System.nanoTime() + LIMIT.toNanos();
    while (!condition.holds()) {
      if (System.nanoTime() > end) {
        throw new AssertionError("never came: " + what + "\n" + story(run));
      }
      federation.pause(Duration.ofMillis(1)); // fails when a process ended by itself
      events.await(LONGEST_SILENCE);
    }
  }

  /// The journal of a run, for a failure's message.
  String story(String run) throws Exception {
    var lines = new ArrayList<String>();
    for (var line : get("runs/%s/journal?limit=1000".formatted(run))) {
      lines.add(line.path("at").asString() + " " + line.path("sentence").asString());
    }
    return String.join("\n", lines);
  }

  JsonNode round(String run, int number) throws Exception {
    return get("runs/%s/rounds/%d".formatted(run, number));
  }

  /// How a site stands in the first round of a run.
  String standing(String run, String site) throws Exception {
    for (var round : get("runs/%s/rounds".formatted(run))) {
      if (round.path("round").asInt() == 1) {
        return round.path("sites").path(site).asString();
      }
    }
    return "";
  }

  /// SIGSTOP: the process lives and does nothing.
  void stop(String... sites) throws Exception {
    for (var site : sites) {
      signal("-STOP", site);
      stopped.add(site);
    }
  }

  /// SIGCONT.
  void resume(String... sites) throws Exception {
    for (var site : sites) {
      signal("-CONT", site);
      stopped.remove(site);
    }
  }

  private void signal(String signal, String site) throws Exception {
    var pid = Long.toString(federation.agentPid(site));
    if (new ProcessBuilder("kill", signal, pid).inheritIO().start().waitFor() != 0) {
      throw new AssertionError("kill " + signal + " " + pid + " failed");
    }
  }

  /// kill -9.
  void killAgent(String site) throws Exception {
    federation.killAgent(site);
    stopped.remove(site);
    down.add(site);
  }

  void startAgent(String site) {
    federation.startAgent(site);
    down.remove(site);
    seen.addAll(federation.processes());
  }

  /// kill -9, and started again; returns once every site that can has called it.
  void restartAggregator() throws Exception {
    federation.killAggregator();
    var since = Instant.now();
    federation.startAggregator();
    seen.addAll(federation.processes());
    awaitHeard(
        since,
        SITES.stream().filter(site -> !stopped.contains(site) && !down.contains(site)).toList());
  }

  /// Every agent runs again, and the aggregator has heard those that were down.
  void heal() throws Exception {
    resume(stopped.toArray(String[]::new));
    var away = List.copyOf(down);
    var since = Instant.now();
    away.forEach(this::startAgent);
    awaitHeard(since, away);
  }

  /// Waits until each of `sites` has called after `since`.
  void awaitHeard(Instant since, List<String> sites) throws Exception {
    long end = System.nanoTime() + LIMIT.toNanos();
    while (true) {
      var heard = new HashSet<String>();
      for (var site : get("sites")) {
        if (site.path("seenAt").isString()
            && Instant.parse(site.path("seenAt").asString()).isAfter(since)) {
          heard.add(site.path("site").asString());
        }
      }
      if (heard.containsAll(sites)) {
        return;
      }
      if (System.nanoTime() > end) {
        throw new AssertionError("silent since " + since + ": " + sites + " but for " + heard);
      }
      federation.pause(LONGEST_SILENCE);
    }
  }

  /// Waits until there is a complete file in `directory`.
  void awaitFileIn(Path directory) throws Exception {
    long end = System.nanoTime() + LIMIT.toNanos();
    while (!holdsFile(directory)) {
      if (System.nanoTime() > end) {
        throw new AssertionError("no file in " + directory);
      }
      federation.pause(Duration.ofMillis(20));
    }
  }

  private static boolean holdsFile(Path directory) throws IOException {
    if (!Files.isDirectory(directory)) {
      return false;
    }
    try (Stream<Path> files = Files.list(directory)) {
      return files.anyMatch(file -> !file.toString().endsWith(".new"));
    }
  }

  Path state(String site) {
    return folder.resolve("sites").resolve(site).resolve("state");
  }

  /// The tensors of a model version, bit for bit: name to the bits of its elements; those of the
  /// optimizer too.
  Map<String, List<Integer>> tensors(String model, int version) throws Exception {
    var found = new TreeMap<String, List<Integer>>();
    for (var role : List.of("weights", "optimizer-state")) {
      var file = Files.createTempFile(folder, role, ".safetensors");
      federation.download(
          "models/%s/versions/%d/artifacts/%s".formatted(model, version, role), file);
      var content = SafetensorsFile.of(Files.readAllBytes(file));
      for (var tensor : content.tensors()) {
        var bits = new ArrayList<Integer>();
        for (float value : content.floats(tensor.name())) {
          bits.add(Float.floatToRawIntBits(value));
        }
        found.put(role + " " + tensor.name(), bits);
      }
    }
    return found;
  }

  /// Ends all processes and returns those that nevertheless live.
  List<ProcessHandle> end() throws Exception {
    seen.addAll(federation.processes());
    federation.close();
    var end =
        CompletableFuture.allOf(
            seen.stream().map(ProcessHandle::onExit).toArray(CompletableFuture[]::new));
    try {
      end.get(ENDING.toSeconds(), TimeUnit.SECONDS);
    } catch (TimeoutException _) {
      return seen.stream().filter(ProcessHandle::isAlive).toList();
    }
    return List.of();
  }

  @Override
  public void close() {
    federation.close();
  }
}
