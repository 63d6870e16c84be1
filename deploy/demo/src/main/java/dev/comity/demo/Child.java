package dev.comity.demo;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;

/// A process that the demo started; what it prints goes to a log file. Safe for use by many
/// threads.
final class Child {
  private final String name;
  private final Path log;
  private final Process process;
  private final CompletableFuture<Process> end;

  Child(String name, Path log, Process process) {
    this(name, log, process, CompletableFuture.completedFuture(null));
  }

  /// @param logged completes when all that the process printed is in the log
  Child(String name, Path log, Process process, CompletableFuture<?> logged) {
    this.name = name;
    this.log = log;
    this.process = process;
    this.end = process.onExit().thenCombine(logged, (ended, _) -> ended);
  }

  String name() {
    return name;
  }

  Path log() {
    return log;
  }

  long pid() {
    return process.pid();
  }

  boolean isAlive() {
    return process.isAlive();
  }

  /// Waits until the process ends, but not longer than `limit`; whether it ended.
  boolean ended(Duration limit) throws InterruptedException {
    try {
      var _ = end.get(limit.toNanos(), TimeUnit.NANOSECONDS);
      return true;
    } catch (TimeoutException _) {
      return false;
    } catch (ExecutionException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  /// Completes when the process has ended and its log is whole.
  CompletableFuture<Process> end() {
    return end;
  }

  int exitCode() {
    return process.exitValue();
  }

  /// Asks the process to end.
  void terminate() {
    process.destroy();
  }

  /// `kill -9`: the process gets no chance to tidy up, and nothing that it started is told.
  void kill() {
    process.destroyForcibly();
  }

  /// Kills the process and all that it started and that is still its own.
  void killTree() {
    var descendants = process.descendants().toList();
    process.destroyForcibly();
    descendants.forEach(ProcessHandle::destroyForcibly);
  }

  /// The process and all that it started, as far as they run.
  Stream<ProcessHandle> tree() {
    return Stream.concat(Stream.of(process.toHandle()), process.descendants())
        .filter(ProcessHandle::isAlive);
  }

  /// A failure that says how this process ended.
  DemoFailure unexpectedEnd() {
    return new DemoFailure(
        "%s ended unexpectedly with exit code %d".formatted(name, exitCode()), Optional.of(log));
  }

  /// The last `count` lines of a log file.
  static List<String> lastLines(Path log, int count) {
    try {
      var lines = new String(Files.readAllBytes(log), StandardCharsets.UTF_8).lines().toList();
      return lines.subList(Math.max(0, lines.size() - count), lines.size());
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + log, e);
    }
  }
}
