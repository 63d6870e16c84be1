package dev.comity.e2e;

import dev.comity.membership.MessageKey;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.TimeUnit;
import javax.sql.DataSource;
import org.postgresql.ds.PGSimpleDataSource;

/// The packaged aggregator as its own process, with its embedded PostgreSQL, on loopback ports.
final class AggregatorProcess {
  private static final String STARTED = "Started AggregatorApplication";
  private static final int LAST_LINES = 40;

  private final Process process;
  private final Path data;
  private final int port;

  private AggregatorProcess(Process process, Path data, int port) {
    this.process = process;
    this.data = data;
    this.port = port;
  }

  /// Returns once it serves. `folder` takes its data and the consortium's public key.
  static AggregatorProcess start(Path folder, MessageKey consortium) throws IOException {
    var key = Files.writeString(folder.resolve("consortium.pub"), consortium.publicKey().hex());
    var data = folder.resolve("data");
    int port = freePort();
    var process =
        new ProcessBuilder(
                List.of(
                    Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    "-Xmx512m",
                    "--add-modules=jdk.incubator.vector",
                    "--enable-native-access=ALL-UNNAMED",
                    "--sun-misc-unsafe-memory-access=allow",
                    "-jar",
                    program().toString(),
                    "--comity.federation=north",
                    "--comity.consortium-key=" + key,
                    "--comity.database=embedded",
                    "--comity.data-dir=" + data,
                    "--comity.rest.port=" + port,
                    "--comity.grpc.port=" + freePort()))
            .redirectErrorStream(true)
            .start();
    awaitStart(process);
    return new AggregatorProcess(process, data, port);
  }

  private static void awaitStart(Process process) throws IOException {
    Deque<String> last = new ArrayDeque<>();
    var output = process.inputReader();
    while (true) {
      var line = output.readLine();
      if (line == null) {
        throw new IllegalStateException(
            "the aggregator ended before it served:\n" + String.join("\n", last));
      }
      if (last.size() == LAST_LINES) {
        last.removeFirst();
      }
      last.addLast(line);
      if (line.contains(STARTED)) {
        Thread.ofVirtual().name("aggregator output").start(() -> drain(process, output));
        return;
      }
    }
  }

  private static void drain(Process process, BufferedReader output) {
    try (output) {
      output.transferTo(Writer.nullWriter()); // a full pipe would stop the process
    } catch (IOException e) {
      if (process.isAlive()) { // its end closes the pipe
        throw new UncheckedIOException("the aggregator's output broke", e);
      }
    }
  }

  private static Path program() throws IOException {
    var built = Path.of("..", "..", "aggregator-server", "target");
    try (var files = Files.list(built)) {
      return files
          .filter(file -> file.getFileName().toString().endsWith("-exec.jar"))
          .findFirst()
          .orElseThrow(() ->
              new IllegalStateException("no packaged aggregator in " + built + "; package it"));
    }
  }

  private static int freePort() throws IOException {
    try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  String url() {
    return "https://localhost:" + port + "/";
  }

  String password() throws IOException {
    return Files.readString(data.resolve("initial-password")).strip();
  }

  /// Its database, as whoever owns its data folder reaches it.
  DataSource database() throws IOException {
    var postgres = data.resolve("postgres");
    Path pid;
    try (var files = Files.walk(postgres)) {
      pid = files.filter(file -> file.endsWith("postmaster.pid")).findFirst().orElseThrow();
    }
    var database = new PGSimpleDataSource();
    database.setUrl(
        "jdbc:postgresql://127.0.0.1:" + Files.readAllLines(pid).get(3).strip() + "/comity");
    database.setUser("comity");
    database.setPassword(Files.readString(postgres.resolve("password")).strip());
    return database;
  }

  void stop() throws InterruptedException {
    process.destroy();
    if (!process.waitFor(30, TimeUnit.SECONDS)) {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly().waitFor();
    }
  }
}
