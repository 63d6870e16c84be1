package dev.comity.demo;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
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
import java.util.OptionalInt;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import tools.jackson.databind.JsonNode;

/// A whole federation on this machine, in processes of its own as in real life: a consortium, an
/// aggregator with its database, and sites that have joined, were admitted and run. Closing ends
/// every process. Used by one thread.
public final class LocalFederation implements AutoCloseable {
  private static final Duration PAUSE = Duration.ofMillis(200);
  private static final Duration ACTIVE_LIMIT = Duration.ofMinutes(4);

  private final Children children;
  private final Aggregator aggregator;
  private final RestApi rest;
  private final List<SiteAgent> sites;

  private LocalFederation(
      Children children, Aggregator aggregator, RestApi rest, List<SiteAgent> sites) {
    this.children = children;
    this.aggregator = aggregator;
    this.rest = rest;
    this.sites = List.copyOf(sites);
  }

  /// Starts a federation whose consortium lets `nC` sites collude with the aggregator.
  ///
  /// @param checkout root of the checkout in which everything was built
  /// @param folder a new or empty folder for all but the sites' own
  /// @throws DemoFailure when a program is not built or a process fails
  public static LocalFederation start(Path checkout, Path folder, List<SiteFolder> sites, int nC)
      throws IOException, InterruptedException {
    var children = new Children();
    // Also when this process is told to end; closing twice does nothing.
    Runtime.getRuntime().addShutdownHook(new Thread(children::close, "end-of-federation"));
    try {
      return found(
          children,
          Programs.in(checkout),
          WorkFolder.create(Optional.of(folder)),
          new Terminal(new PrintStream(OutputStream.nullOutputStream()), false),
          sites,
          nC,
          OptionalInt.empty());
    } catch (IOException | InterruptedException | RuntimeException e) {
      children.close();
      throw e;
    }
  }

  /// As [#start], telling the user of every step.
  ///
  /// @param port of REST and the dashboard; absent for a free one
  static LocalFederation found(
      Children children,
      Programs programs,
      WorkFolder work,
      Terminal terminal,
      List<SiteFolder> folders,
      int nC,
      OptionalInt port)
      throws IOException, InterruptedException {
    var consortium = new Consortium(children, programs, work);
    consortium.init();
    terminal.step("The consortium made its key, in a folder that no server sees.");

    var ports = new ArrayList<>(LoopbackPorts.free(2));
    port.ifPresent(chosen -> ports.set(0, chosen));
    var aggregator =
        new Aggregator(children, programs, work, "comity-demo", consortium.publicKey(), ports);
    var rest = aggregator.start();
    var pin = rest.get("federation").path("caPin").asString();
    terminal.step(
        "The aggregator and its PostgreSQL run; without a signed membership it serves enrolments only.");
    terminal.line("           Dashboard   %s", aggregator.address());
    terminal.line("           Sign in as  admin, password in %s", aggregator.passwordFile());
    var token =
        secretFile(work.root().resolve("api-token"), rest.signIn("admin", aggregator.password()));

    var fingerprints = new LinkedHashMap<String, String>();
    var sites = new ArrayList<SiteAgent>();
    for (var folder : folders) {
      sites.add(new SiteAgent(children, programs, work, folder));
    }
    join(sites, consortium, aggregator.address(), pin, fingerprints, terminal);
    sites.forEach(SiteAgent::start);
    consortium.admit(aggregator.address(), pin, token, fingerprints, nC);
    terminal.step(
        "The consortium compared the fingerprints and admitted all %d sites in one signed epoch.",
        sites.size());
    awaitActive(children, rest, sites.size());
    terminal.step("All %d sites are active.", sites.size());
    return new LocalFederation(children, aggregator, rest, sites);
  }

  /// Invites all sites; each joins on its own, at the same time as the others.
  private static void join(
      List<SiteAgent> sites,
      Consortium consortium,
      URI address,
      String pin,
      Map<String, String> fingerprints,
      Terminal terminal)
      throws IOException, InterruptedException {
    var joining = new ArrayList<FutureTask<String>>();
    for (var agent : sites) {
      var invitation =
          secretFile(
              agent.folder().resolve("invitation"), consortium.invite(agent.site(), address, pin));
      var join = new FutureTask<>(() -> agent.join(invitation));
      Thread.ofVirtual().name("join-" + agent.site()).start(join);
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
  }

  /// A file that only its owner reads.
  private static Path secretFile(Path file, String content) throws IOException {
    Files.createFile(
        file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    return Files.writeString(file, content, StandardCharsets.US_ASCII);
  }

  private static void awaitActive(Children children, RestApi rest, int expected)
      throws IOException, InterruptedException {
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

  Aggregator aggregator() {
    return aggregator;
  }

  RestApi rest() {
    return rest;
  }

  List<SiteAgent> sites() {
    return sites;
  }

  /// What REST says at `path`, below `/api/v1/`.
  public JsonNode get(String path) throws IOException, InterruptedException {
    return rest.get(path);
  }

  /// Submits a run and returns its id.
  public String submit(JsonNode request) throws IOException, InterruptedException {
    var key = Map.of("Idempotency-Key", request.path("name").asString());
    return rest.post("runs", request, key).path("id").asString();
  }

  /// Writes what is at `path`, below `/api/v1/`, to `file`.
  public void download(String path, Path file) throws IOException, InterruptedException {
    rest.download(path, file);
  }

  /// Tells when something happens in a run.
  public LiveEvents follow(String run) {
    return new LiveEvents(rest, run);
  }

  /// Waits for `limit`; fails when meanwhile a process ends that nobody killed.
  public void pause(Duration limit) throws InterruptedException {
    children.pause(limit);
  }

  /// `kill -9`. The database lives on, as it would on another machine.
  public void killAggregator() throws InterruptedException {
    aggregator.kill();
  }

  /// Starts the aggregator again and waits until it answers.
  public void startAggregator() throws InterruptedException {
    aggregator.start();
  }

  /// `kill -9` of a site's agent.
  public void killAgent(String site) throws InterruptedException {
    agent(site).kill();
  }

  public void startAgent(String site) {
    agent(site).start();
  }

  /// The number of a site's process.
  public long agentPid(String site) {
    return agent(site).pid();
  }

  /// All processes of the federation that run now, the database's too.
  public List<ProcessHandle> processes() {
    var all = new ArrayList<>(children.processes());
    all.addAll(aggregator.database());
    return all;
  }

  private SiteAgent agent(String site) {
    return sites.stream()
        .filter(agent -> agent.site().equals(site))
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException("there is no site " + site));
  }

  /// Ends every process, the database's too.
  @Override
  public void close() {
    children.close();
  }
}
