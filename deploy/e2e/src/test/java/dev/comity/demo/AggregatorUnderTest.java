package dev.comity.demo;

import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import tools.jackson.databind.JsonNode;

/// The aggregator with its database and the consortium, in processes as the demo starts them, for
/// tests that bring their own sites. Used by one thread.
public final class AggregatorUnderTest implements AutoCloseable {
  private static final Duration PAUSE = Duration.ofMillis(200);
  private static final Duration LIMIT = Duration.ofMinutes(5);

  private final Children children;
  private final WorkFolder work;
  private final Consortium consortium;
  private final Aggregator aggregator;
  private final RestApi rest;
  private final String pin;
  private final String token;

  private AggregatorUnderTest(Path folder, Path checkout, Children children)
      throws IOException, InterruptedException {
    this.children = children;
    this.work = WorkFolder.create(Optional.of(folder));
    var programs = Programs.in(checkout);
    this.consortium = new Consortium(children, programs, work);
    consortium.init();
    this.aggregator =
        new Aggregator(
            children,
            programs,
            work,
            "comity-test",
            consortium.publicKey(),
            new ArrayList<>(LoopbackPorts.free(2)));
    this.rest = aggregator.start();
    this.pin = rest.get("federation").path("caPin").asString();
    this.token = rest.signIn("admin", aggregator.password());
  }

  /// Starts both in a new folder.
  ///
  /// @param checkout root of the checkout in which everything was built
  public static AggregatorUnderTest start(Path folder, Path checkout)
      throws IOException, InterruptedException {
    var children = new Children();
    try {
      return new AggregatorUnderTest(folder, checkout, children);
    } catch (IOException | InterruptedException | RuntimeException e) {
      children.close();
      throw e;
    }
  }

  /// An invitation, one line.
  public String invite(String site) throws InterruptedException {
    return consortium.invite(site, aggregator.address(), pin);
  }

  /// Admits the sites with these fingerprints and waits until all are active and have been heard.
  public void admit(Map<String, String> fingerprints, int nC)
      throws IOException, InterruptedException {
    var file = work.root().resolve("api-token");
    Files.createFile(
        file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    Files.writeString(file, token, StandardCharsets.US_ASCII);
    consortium.admit(aggregator.address(), pin, file, fingerprints, nC);
    long end = System.nanoTime() + LIMIT.toNanos();
    int active = 0;
    while (active < fingerprints.size()) {
      children.pause(PAUSE);
      active = 0;
      for (var site : rest.get("sites")) {
        active +=
            site.path("state").asString().equals("ACTIVE") && !site.path("seenAt").isNull() ? 1 : 0;
      }
      if (System.nanoTime() > end) {
        throw new IllegalStateException("only %d sites became active".formatted(active));
      }
    }
  }

  /// Submits a run and waits until it is complete; gives its rounds as REST tells them.
  public JsonNode complete(JsonNode request) throws IOException, InterruptedException {
    var run =
        rest.post("runs", request, Map.of("Idempotency-Key", request.path("name").asString()))
            .path("id")
            .asString();
    long end = System.nanoTime() + LIMIT.toNanos();
    while (true) {
      var report = rest.get("runs/" + run);
      switch (report.path("state").asString()) {
        case "COMPLETED" -> {
          return rest.get("runs/" + run + "/rounds");
        }
        case "RUNNING" -> children.pause(PAUSE);
        default -> throw new IllegalStateException("the run ended: " + report);
      }
      if (System.nanoTime() > end) {
        throw new IllegalStateException("the run goes on after " + LIMIT + ": " + report);
      }
    }
  }

  /// The aggregator's key files and the consortium's folder.
  public List<Path> keyFolders() {
    return List.of(
        work.root().resolve("aggregator").resolve("keys"), work.root().resolve("consortium"));
  }

  /// The aggregator's two addresses, `127.0.0.1:port`.
  public Set<String> peers() throws IOException, InterruptedException {
    var federation = rest.get("federation");
    return Set.of(
        peer(federation.path("restUrl").asString()), peer(federation.path("grpcUrl").asString()));
  }

  private static String peer(String address) {
    var uri = URI.create(address);
    return "127.0.0.1:" + uri.getPort();
  }

  public String initialPassword() throws IOException {
    return aggregator.password();
  }

  public String apiToken() {
    return token;
  }

  /// Ends every process.
  @Override
  public void close() {
    children.close();
  }
}
