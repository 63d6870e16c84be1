package dev.comity.e2e;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/// The demo as its user starts it, and all that it prints. Closing ends it.
final class DemoProcess implements AutoCloseable {
  private static final Path CHECKOUT = Path.of("").toAbsolutePath().resolve("../..").normalize();
  private static final Duration LIMIT = Duration.ofMinutes(10);

  private final Process process;
  private final List<String> lines = new ArrayList<>();
  private final CompletableFuture<Void> end;

  private DemoProcess(Process process) {
    this.process = process;
    this.end = new CompletableFuture<>();
    Thread.ofVirtual().name("demo-output").start(this::read);
  }

  /// Starts `deploy/demo/run` in `folder`; its temporary files go below that folder too.
  static DemoProcess start(Path folder, List<String> options) throws IOException {
    var command = new ArrayList<String>();
    command.add(CHECKOUT.resolve("deploy/demo/run").toString());
    command.addAll(options);
    var builder = new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true);
    builder.environment().put("COMITY_BUILT", "1");
    builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
    builder.environment().put("JDK_JAVA_OPTIONS", "-Djava.io.tmpdir=" + folder);
    return new DemoProcess(builder.start());
  }

  private void read() {
    try (var output =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      for (String line; (line = output.readLine()) != null; ) {
        synchronized (lines) {
          lines.add(line);
          lines.notifyAll();
        }
      }
      end.complete(null);
    } catch (IOException e) {
      end.completeExceptionally(new UncheckedIOException(e));
    }
  }

  /// Waits until a line contains `text`.
  void awaitLine(String text) throws InterruptedException {
    long limit = System.nanoTime() + LIMIT.toNanos();
    synchronized (lines) {
      while (lines.stream().noneMatch(line -> line.contains(text))) {
        long left = limit - System.nanoTime();
        if (left <= 0 || end.isDone()) {
          throw new AssertionError("no line with \"" + text + "\" in\n" + output());
        }
        lines.wait(Math.max(1, Math.min(1000, TimeUnit.NANOSECONDS.toMillis(left))));
      }
    }
  }

  /// What Ctrl-C sends.
  void interrupt() throws IOException, InterruptedException {
    new ProcessBuilder("kill", "-INT", Long.toString(process.pid())).start().waitFor();
  }

  /// The exit code, once the demo has ended and all it printed is read.
  int awaitEnd() throws Exception {
    end.get(LIMIT.toSeconds(), TimeUnit.SECONDS);
    if (!process.waitFor(LIMIT.toSeconds(), TimeUnit.SECONDS)) {
      throw new AssertionError("the demo did not end:\n" + output());
    }
    return process.exitValue();
  }

  String output() {
    synchronized (lines) {
      return String.join("\n", lines);
    }
  }

  /// Processes that work in `folder`: that run there, or were started with a path in it.
  static List<String> processesIn(Path folder) {
    try (var all = Files.newDirectoryStream(Path.of("/proc"), "[0-9]*")) {
      var found = new ArrayList<String>();
      for (var each : all) {
        try {
          var command =
              Files.readString(each.resolve("cmdline"), StandardCharsets.UTF_8).replace('\0', ' ');
          var workingFolder = Files.readSymbolicLink(each.resolve("cwd"));
          if (command.contains(folder.toString()) || workingFolder.startsWith(folder)) {
            found.add(command);
          }
        } catch (IOException _) {
          continue; // it has just ended, or is another user's
        }
      }
      return found;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() throws Exception {
    if (process.isAlive()) {
      interrupt();
      awaitEnd();
    }
  }
}
