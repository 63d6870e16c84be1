package dev.comity.demo;

import java.io.IOException;
import java.io.Writer;
import java.lang.ProcessBuilder.Redirect;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Predicate;

/// All processes of one demo. Closing ends every one of them, whatever happened before; after that
/// none can be started. Safe for use by many threads, the shutdown hook among them.
final class Children implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(15);

  private final List<Child> started = new ArrayList<>();
  private final List<Runnable> sweeps = new ArrayList<>();
  private volatile boolean closed;

  /// Starts `command` in `folder`; its output is appended to `log`.
  synchronized Child start(String name, Path log, Path folder, List<String> command) {
    requireOpen(name);
    try {
      var process =
          builder(folder, command)
              .redirectErrorStream(true)
              .redirectOutput(Redirect.appendTo(WorkFolder.ownersOnly(log).toFile()))
              .start();
      return started(new Child(name, log, process));
    } catch (IOException e) {
      throw new DemoFailure(name + " cannot be started: " + e.getMessage(), e);
    }
  }

  /// As [#start], but the lines of its output that are `withheld` stay out of the log.
  synchronized Child start(
      String name, Path log, Path folder, List<String> command, Predicate<String> withheld) {
    requireOpen(name);
    try {
      WorkFolder.ownersOnly(log);
      var process = builder(folder, command).redirectErrorStream(true).start();
      var copy = new CompletableFuture<Void>();
      Thread.ofPlatform()
          .name("log-of-" + name)
          .daemon()
          .start(() -> {
            try {
              copy(process, log, withheld);
            } finally {
              copy.complete(null);
            }
          });
      return started(new Child(name, log, process, copy));
    } catch (IOException e) {
      throw new DemoFailure(name + " cannot be started: " + e.getMessage(), e);
    }
  }

  private void requireOpen(String name) {
    if (closed) {
      throw new DemoFailure("the demo is ending; " + name + " is not started");
    }
  }

  private Child started(Child child) {
    started.add(child);
    return child;
  }

  /// Reads on when the log cannot be written, or the process would wait for a reader for ever.
  private static void copy(Process process, Path log, Predicate<String> withheld) {
    try (var output = process.inputReader(StandardCharsets.ISO_8859_1)) { // each byte as it is
      try (var writer =
          Files.newBufferedWriter(log, StandardCharsets.ISO_8859_1, StandardOpenOption.APPEND)) {
        for (var line = output.readLine(); line != null; line = output.readLine()) {
          if (!withheld.test(line)) {
            writer.write(line);
            writer.newLine();
            writer.flush();
          }
        }
      } catch (IOException _) {
        output.transferTo(Writer.nullWriter());
      }
    } catch (IOException _) {
      return; // the process is gone
    }
  }

  /// Runs `command` to its end and returns what it printed on standard output; the rest goes to
  /// `log`.
  String run(String name, Path log, Path folder, List<String> command) throws InterruptedException {
    var output = log.resolveSibling(log.getFileName() + ".out");
    Child child;
    synchronized (this) {
      requireOpen(name);
      try {
        child =
            new Child(
                name,
                log,
                builder(folder, command)
                    .redirectOutput(Redirect.to(WorkFolder.ownersOnly(output).toFile()))
                    .redirectError(Redirect.appendTo(WorkFolder.ownersOnly(log).toFile()))
                    .start());
      } catch (IOException e) {
        throw new DemoFailure(name + " cannot be started: " + e.getMessage(), e);
      }
      started.add(child);
    }
    if (!child.ended(Duration.ofMinutes(2))) {
      throw new DemoFailure(name + " did not end within two minutes", Optional.of(log));
    }
    synchronized (this) {
      started.remove(child);
    }
    try {
      var text = Files.readString(output, StandardCharsets.UTF_8);
      if (child.exitCode() != 0) {
        throw new DemoFailure(
            "%s failed with exit code %d".formatted(name, child.exitCode()), Optional.of(log));
      }
      Files.delete(output);
      return text;
    } catch (IOException e) {
      throw new DemoFailure("cannot read what " + name + " printed: " + e.getMessage(), e);
    }
  }

  private static ProcessBuilder builder(Path folder, List<String> command) {
    var builder =
        new ProcessBuilder(command)
            .directory(folder.toFile())
            .redirectInput(Redirect.from(Path.of("/dev/null").toFile()));
    builder.environment().put("DJL_OFFLINE", "true");
    builder.environment().put("OMP_WAIT_POLICY", "PASSIVE");
    return builder;
  }

  /// Something to do on closing, once all processes have ended.
  synchronized void afterwards(Runnable sweep) {
    sweeps.add(sweep);
  }

  /// Kills a process on purpose, with `kill -9`, and waits for its end.
  void killed(Child child) throws InterruptedException {
    synchronized (this) {
      started.remove(child);
    }
    child.kill();
    var _ = child.ended(PATIENCE);
  }

  /// Waits for `limit`, or until a process ends that should not; then fails.
  void pause(Duration limit) throws InterruptedException {
    List<Child> running;
    synchronized (this) {
      running = List.copyOf(started);
    }
    var ends = running.stream().map(Child::end).toArray(CompletableFuture<?>[]::new);
    try {
      var _ = CompletableFuture.anyOf(ends).get(limit.toNanos(), TimeUnit.NANOSECONDS);
    } catch (TimeoutException _) {
      return;
    } catch (ExecutionException impossible) {
      throw new IllegalStateException(impossible);
    }
    requireAlive();
  }

  /// Fails when a process has ended that should be running.
  synchronized void requireAlive() {
    for (var child : started) {
      if (!child.isAlive()) {
        throw child.unexpectedEnd();
      }
    }
  }

  /// Those that run now, with all that they started.
  synchronized List<ProcessHandle> processes() {
    return started.stream().flatMap(Child::tree).toList();
  }

  /// Whether all are ended, or being ended.
  boolean isClosed() {
    return closed;
  }

  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    boolean interrupted = false;
    for (var child : started.reversed()) {
      child.terminate();
    }
    long end = System.nanoTime() + PATIENCE.toNanos();
    for (var child : started.reversed()) {
      try {
        if (!child.ended(Duration.ofNanos(Math.max(1, end - System.nanoTime())))) {
          child.killTree();
          var _ = child.ended(PATIENCE);
        }
      } catch (InterruptedException _) {
        interrupted = true;
        child.killTree();
      }
    }
    sweeps.forEach(Runnable::run);
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
