package dev.comity.demo;

import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/// What a round costs beside training, with the real processes.
@Command(
    name = "round",
    description =
        "Runs the demo with five sites, in separate processes over mutual TLS, and prints the time"
            + " from the command to the first committed round, the time from the last site's ready"
            + " to the commit of each round, and the aggregator's peak memory.",
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class RoundCommand implements Callable<Integer> {
  private static final Duration PAUSE = Duration.ofMillis(500);
  private static final int MOST_LINES = 1000;

  @Spec private CommandSpec spec;

  @Option(
      names = "--recipe",
      paramLabel = "NAME",
      defaultValue = "million-parameters",
      description =
          "million-parameters, which hardly trains, or synthetic, which is what deploy/demo/run"
              + " runs (default ${DEFAULT-VALUE})")
  private String recipe;

  @Option(
      names = "--rounds",
      paramLabel = "N",
      defaultValue = "5",
      description = "committed rounds (default ${DEFAULT-VALUE})")
  private int rounds;

  RoundCommand() {}

  @Override
  public Integer call() throws IOException, InterruptedException {
    if (rounds < 1) {
      throw new ParameterException(
          spec.commandLine(), "--rounds %d: must be >= 1".formatted(rounds));
    }
    if (!List.of("million-parameters", "synthetic").contains(recipe)) {
      throw new ParameterException(
          spec.commandLine(),
          "--recipe %s: must be million-parameters or synthetic".formatted(recipe));
    }
    int port = LoopbackPorts.free(1).getFirst();
    var folder = Files.createTempDirectory("comity-benchmark-");
    var options = options(port, folder.resolve("demo"), folder.resolve("out"));
    var study = Study.choose(options);
    var programs = Programs.in(Path.of(System.getProperty("comity.checkout", ".")));
    var demo =
        new FutureTask<>(() ->
            Demo.run(
                options,
                study,
                programs,
                new Terminal(new PrintStream(System.err, true, StandardCharsets.UTF_8), false)));
    var thread = Thread.ofPlatform().name("demo").start(demo);
    int code;
    try {
      code = awaited(demo, folder.resolve("demo"), port);
    } finally {
      thread.interrupt(); // the demo ends its processes
      thread.join();
    }
    if (code == 0) {
      new WorkFolder(folder).delete(); // after a failure the logs stay
    }
    return code;
  }

  private DemoOptions options(int port, Path work, Path out) {
    return new DemoOptions(
        Optional.of(recipe),
        Optional.empty(),
        "fedavg",
        OptionalInt.of(rounds),
        OptionalInt.of(5),
        1,
        OptionalInt.of(1),
        new Fault.None(),
        OptionalInt.of(port),
        false,
        Optional.of(work),
        out,
        true);
  }

  /// The demo stays up once its run is complete, so that its aggregator can be asked.
  private int awaited(FutureTask<Integer> demo, Path work, int port)
      throws IOException, InterruptedException {
    var done = work.resolveSibling("out");
    while (true) {
      try {
        return demo.get(PAUSE.toMillis(), TimeUnit.MILLISECONDS);
      } catch (TimeoutException _) {
        if (Files.isDirectory(done)) {
          var rest =
              new RestApi(
                  URI.create("https://localhost:" + port + "/"),
                  work.resolve("aggregator/keys/ca.crt"));
          rest.signIn(
              "admin", Files.readString(work.resolve("aggregator/initial-password")).strip());
          print(rest);
          return 0;
        }
      } catch (ExecutionException failed) {
        throw new IllegalStateException("the demo failed", failed.getCause());
      }
    }
  }

  private void print(RestApi rest) throws IOException, InterruptedException {
    var run = rest.get("runs").get(0).path("id").asString();
    var times = RoundTimes.of(rest.get("runs/" + run + "/journal?limit=" + MOST_LINES), rounds);
    var sorted = times.overheads();
    PrintWriter out = spec.commandLine().getOut();
    out.println("| what | measured |");
    out.println("|---|---|");
    out.printf(
        "| from the command to the first committed round | %s |%n",
        seconds(Duration.between(started(), times.firstCommit())));
    out.printf(
        "| last site ready to committed, %d rounds | least %s, median %s, most %s |%n",
        sorted.size(),
        seconds(sorted.getFirst()),
        seconds(sorted.get(sorted.size() / 2)),
        seconds(sorted.getLast()));
    out.printf("| the aggregator's peak memory (VmHWM) | %d MiB |%n", peakMebibytes());
    out.flush();
  }

  private static Instant started() {
    return ProcessHandle.current().info().startInstant().orElseThrow();
  }

  private static long peakMebibytes() throws IOException {
    var aggregator =
        ProcessHandle.current()
            .children()
            .filter(child ->
                child
                    .info()
                    .commandLine()
                    .filter(line -> line.contains("--comity.data-dir="))
                    .isPresent())
            .findAny()
            .orElseThrow(() -> new DemoFailure("the aggregator's process is gone"));
    try (var lines = Files.lines(Path.of("/proc/%d/status".formatted(aggregator.pid())))) {
      return lines
              .filter(line -> line.startsWith("VmHWM:"))
              .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
              .findFirst()
              .orElseThrow()
          / 1024;
    }
  }

  private static String seconds(Duration time) {
    return String.format(Locale.ROOT, "%.2f s", time.toMillis() / 1000.0);
  }
}
