package dev.comity.demo;

import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// The aggregator: its data directory with the embedded database, and its process while it runs.
/// Used by one thread.
final class Aggregator {
  private static final Duration START_LIMIT = Duration.ofMinutes(3);
  private static final Duration PAUSE = Duration.ofMillis(250);
  private static final Duration DATABASE_PATIENCE = Duration.ofSeconds(10);

  private final Children children;
  private final Supplier<Child> launch;
  private final Path data;
  private final URI address;
  private @Nullable Child process;
  private @Nullable RestApi rest;

  Aggregator(
      Children children,
      Programs programs,
      WorkFolder work,
      String federation,
      Path consortiumKey,
      List<Integer> ports) {
    this.children = children;
    this.data = work.folder("aggregator");
    this.address = URI.create("https://localhost:" + ports.getFirst() + "/");
    var arguments =
        List.of(
            "--comity.federation=" + federation,
            "--comity.consortium-key=" + consortiumKey,
            "--comity.data-dir=" + data,
            "--comity.database=embedded",
            "--comity.rest.port=" + ports.getFirst(),
            "--comity.grpc.port=" + ports.getLast());
    this.launch =
        () ->
            children.start(
                "aggregator",
                work.log("aggregator"),
                data,
                programs.aggregator(arguments),
                this::tellsPassword);
    children.afterwards(this::endDatabase);
  }

  /// Where REST and the dashboard are.
  URI address() {
    return address;
  }

  Path passwordFile() {
    return data.resolve("initial-password");
  }

  String password() throws IOException {
    return Files.readString(passwordFile(), StandardCharsets.UTF_8).strip();
  }

  /// Whether a line holds the first password, which the aggregator prints once. It writes the file
  /// before that.
  private boolean tellsPassword(String line) {
    if (!Files.exists(passwordFile())) {
      return false;
    }
    try {
      var password = password();
      return !password.isEmpty() && line.contains(password);
    } catch (IOException _) {
      return true; // it may hold a password that cannot be compared
    }
  }

  /// Starts the process and waits until it answers.
  RestApi start() throws InterruptedException {
    var starting = launch.get();
    process = starting;
    long end = System.nanoTime() + START_LIMIT.toNanos();
    while (true) {
      if (starting.ended(PAUSE)) {
        throw starting.unexpectedEnd();
      }
      if (System.nanoTime() > end) {
        throw new DemoFailure(
            "the aggregator did not answer within " + START_LIMIT.toMinutes() + " minutes",
            Optional.of(starting.log()));
      }
      try {
        var api = rest == null ? connect() : rest;
        if (api != null && api.isReady()) {
          rest = api;
          return api;
        }
      } catch (IOException _) {
        continue; // not listening yet
      }
    }
  }

  private @Nullable RestApi connect() {
    var authority = data.resolve("keys").resolve("ca.crt");
    return Files.exists(authority) ? new RestApi(address, authority) : null;
  }

  /// `kill -9`. The database lives on, as it would on another machine.
  void kill() throws InterruptedException {
    var killed = process;
    if (killed == null) {
      throw new IllegalStateException("the aggregator was never started");
    }
    children.killed(killed);
    process = null;
  }

  /// Ends a database that outlived its aggregator: only a process whose program lies in this
  /// aggregator's own folder.
  private void endDatabase() {
    var left = database();
    left.forEach(ProcessHandle::destroy);
    for (var process : left) {
      try {
        process.onExit().get(DATABASE_PATIENCE.toNanos(), TimeUnit.NANOSECONDS);
      } catch (TimeoutException | ExecutionException _) {
        process.destroyForcibly();
      } catch (InterruptedException _) {
        process.destroyForcibly();
        Thread.currentThread().interrupt();
      }
    }
  }

  /// The processes of its database that run now.
  List<ProcessHandle> database() {
    try (Stream<ProcessHandle> all = ProcessHandle.allProcesses()) {
      return all.filter(this::isOwnDatabase).toList();
    }
  }

  private boolean isOwnDatabase(ProcessHandle process) {
    return process
        .info()
        .command()
        .filter(program -> Path.of(program).startsWith(data.resolve("postgres")))
        .isPresent();
  }
}
