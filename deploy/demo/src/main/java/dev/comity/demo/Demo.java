package dev.comity.demo;

import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import tools.jackson.databind.JsonNode;

/// One demonstration, from nothing to a model: consortium, aggregator and sites in processes of
/// their own, one run, and the end of all of them. Used by one thread.
final class Demo {
  private static final Duration PAUSE = Duration.ofMillis(200);
  private static final Duration ACTIVE_LIMIT = Duration.ofMinutes(2);
  private static final Duration BASELINE_LIMIT = Duration.ofMinutes(1);

  private final DemoOptions options;
  private final Study study;
  private final Programs programs;
  private final Terminal terminal;
  private final WorkFolder work;
  private final Children children;

  private Demo(
      DemoOptions options,
      Study study,
      Programs programs,
      Terminal terminal,
      WorkFolder work,
      Children children) {
    this.options = options;
    this.study = study;
    this.programs = programs;
    this.terminal = terminal;
    this.work = work;
    this.children = children;
  }

  /// Runs the demonstration; 0 when the run is complete, 1 when something failed.
  static int run(DemoOptions options, Study study, Programs programs, Terminal terminal)
      throws InterruptedException {
    var work = WorkFolder.create(options.folder());
    var children = new Children();
    var ending =
        new Thread(
            () -> {
              children.close();
              if (!options.keep()) {
                work.delete();
              }
            },
            "end-of-demo");
    Runtime.getRuntime().addShutdownHook(ending);
    try {
      new Demo(options, study, programs, terminal, work, children).whole();
      children.close();
      if (!options.keep()) {
        work.delete();
      }
      return 0;
    } catch (DemoFailure failure) {
      if (children.isClosed()) {
        return 1; // Ctrl-C; what failed then is no news
      }
      report(failure, terminal, work);
      children.close();
      if (!options.keep()) {
        work.deleteAllButLogs();
      }
      return 1;
    } finally {
      if (!children.isClosed()) {
        children.close();
      }
      removed(ending);
    }
  }

  private static void removed(Thread hook) {
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException _) {
      return; // the hook is running already, and does the same
    }
  }

  private static void report(DemoFailure failure, Terminal terminal, WorkFolder work) {
    terminal.blank();
    terminal.line("The demo failed: %s", String.valueOf(failure.getMessage()));
    failure
        .log()
        .filter(Files::exists)
        .ifPresent(log -> {
          terminal.line("The last lines of %s:", log);
          Child.lastLines(log, 25).forEach(line -> terminal.line("    %s", line));
        });
    terminal.line("All logs are in %s.", work.logs());
  }

  private void whole() throws InterruptedException {
    terminal.line("Comity: %s", study.about());
    terminal.line("%s", study.assumption());
    study.citation().ifPresent(citation -> terminal.line("Data: %s", citation));
    terminal.line("Work folder %s", work.root());
    terminal.blank();
    try {
      federation();
    } catch (RecipeException e) {
      throw new DemoFailure(String.valueOf(e.getMessage()), e);
    } catch (IOException e) {
      throw new DemoFailure("the aggregator does not answer: " + e.getMessage(), e);
    }
  }

  private void federation() throws IOException, InterruptedException {
    var consortium = new Consortium(children, programs, work);
    consortium.init();
    terminal.step("The consortium made its key, in a folder that no server sees.");

    var ports = new ArrayList<>(LoopbackPorts.free(2));
    options.port().ifPresent(port -> ports.set(0, port));
    var aggregator =
        new Aggregator(children, programs, work, "comity-demo", consortium.publicKey(), ports);
    var rest = aggregator.start();
    var federation = rest.get("federation");
    var pin = federation.path("caPin").asString();
    terminal.step(
        "The aggregator and its PostgreSQL run; without a signed membership it serves enrolments only.");
    terminal.line("           Dashboard   %s", aggregator.address());
    terminal.line("           Sign in as  admin, password in %s", aggregator.passwordFile());
    var token =
        secretFile(work.root().resolve("api-token"), rest.signIn("admin", aggregator.password()));

    var fingerprints = new LinkedHashMap<String, String>();
    var sites = joined(consortium, aggregator.address(), pin, fingerprints);
    sites.forEach(SiteAgent::start);
    consortium.admit(aggregator.address(), pin, token, fingerprints, study.nC());
    terminal.step(
        "The consortium compared the fingerprints and admitted all %d sites in one signed epoch.",
        sites.size());
    awaitActive(rest, sites.size());
    terminal.step("All %d sites are active.", sites.size());

    var run = submit(rest);
    var ended =
        new RunWatch(terminal, children, aggregator, rest, sites, options.fault()).follow(run);
    new Report(terminal, rest, options.out()).show(ended, baselines(sites));
    if (options.stay()) {
      stay(aggregator);
    }
  }

  /// Invites all sites; each joins on its own, at the same time as the others.
  private List<SiteAgent> joined(
      Consortium consortium, URI address, String pin, Map<String, String> fingerprints)
      throws IOException, InterruptedException {
    var sites = new ArrayList<SiteAgent>();
    var joining = new ArrayList<FutureTask<String>>();
    for (var folder : study.prepare(work.folder("sites"))) {
      var invitation =
          secretFile(
              folder.folder().resolve("invitation"),
              consortium.invite(folder.site(), address, pin));
      var agent = new SiteAgent(children, programs, work, folder);
      var join = new FutureTask<>(() -> agent.join(invitation));
      Thread.ofVirtual().name("join-" + folder.site()).start(join);
      sites.add(agent);
      joining.add(join);
    }
    terminal.step("The consortium invited %d sites.", sites.size());
    for (int i = 0; i < sites.size(); i++) {
      var site = sites.get(i).site();
      try {
        fingerprints.put(site, joining.get(i).get());
      } catch (ExecutionException e) {
        throw e.getCause() instanceof DemoFailure failure
            ? failure
            : new DemoFailure(site + " could not join", e);
      }
      terminal.step("%s joined; the fingerprint of its key:", site);
      terminal.line("           %s", fingerprints.get(site));
    }
    return sites;
  }

  /// A file that only its owner reads.
  private static Path secretFile(Path file, String content) throws IOException {
    Files.createFile(
        file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    return Files.writeString(file, content, StandardCharsets.US_ASCII);
  }

  private void awaitActive(RestApi rest, int expected) throws IOException, InterruptedException {
    long end = System.nanoTime() + ACTIVE_LIMIT.toNanos();
    while (true) {
      int active = 0;
      for (var site : rest.get("sites")) {
        if (site.path("state").asString().equals("ACTIVE") && !site.path("seenAt").isNull()) {
          active++;
        }
      }
      if (active == expected) {
        return;
      }
      if (System.nanoTime() > end) {
        throw new DemoFailure(
            "only %d of %d sites are active after %d minutes"
                .formatted(active, expected, ACTIVE_LIMIT.toMinutes()));
      }
      children.pause(PAUSE);
    }
  }

  private String submit(RestApi rest) throws IOException, InterruptedException {
    var request = study.request();
    var accepted =
        rest.post("runs", request, Map.of("Idempotency-Key", request.path("name").asString()));
    var run = accepted.path("id").asString();
    terminal.blank();
    terminal.step(
        "Run %s is submitted: %s, %d rounds.",
        request.path("name").asString(), options.algorithm(), request.path("rounds").asInt());
    return run;
  }

  /// What every site reaches alone, from the sites' own folders.
  private Map<String, Optional<JsonNode>> baselines(List<SiteAgent> sites)
      throws InterruptedException {
    long end = System.nanoTime() + BASELINE_LIMIT.toNanos();
    var found = new LinkedHashMap<String, Optional<JsonNode>>();
    for (var site : sites) {
      var baseline = site.readBaseline();
      while (baseline.isEmpty() && System.nanoTime() < end) {
        children.pause(PAUSE);
        baseline = site.readBaseline();
      }
      found.put(site.site(), baseline);
    }
    return found;
  }

  private void stay(Aggregator aggregator) throws InterruptedException {
    terminal.blank();
    terminal.line(
        "Everything goes on: the dashboard is at %s (user admin, password in %s). Ctrl-C ends it.",
        aggregator.address(), aggregator.passwordFile());
    while (true) {
      children.pause(Duration.ofDays(1));
    }
  }
}
