package dev.comity.demo;

import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/// The demo's command line.
///
/// Exit codes: 0 the run is complete, 1 something failed, 2 the options do not fit.
@Command(
    name = "deploy/demo/run",
    description = {
      "Runs a whole federation on this machine, in separate processes as in real life: a database,"
          + " a consortium, an aggregator and the agents of several sites, which learn a model"
          + " together without showing anyone their data.",
      "Without a recipe the data are generated. Ctrl-C ends everything."
    },
    mixinStandardHelpOptions = true,
    version = "Comity demo 0.1.0",
    sortOptions = false)
final class DemoCommand implements Callable<Integer> {
  private static final List<String> ALGORITHMS =
      List.of("fedavg", "fedprox", "fedavgm", "fedadam", "fedyogi", "fedadagrad");

  @Spec private CommandSpec spec;

  @Option(
      names = "--recipe",
      paramLabel = "NAME",
      description =
          "a study of deploy/demo/recipes: synthetic (default), synthetic-iid, heart-disease")
  private @Nullable String recipe;

  @Option(
      names = "--data",
      paramLabel = "DIR",
      description = "folder with the recipe's files; the recipe says where to get them")
  private @Nullable Path data;

  @Option(
      names = "--algorithm",
      paramLabel = "NAME",
      description = "fedavg (default), fedprox, fedavgm, fedadam, fedyogi or fedadagrad")
  private String algorithm = "fedavg";

  @Option(names = "--rounds", paramLabel = "N", description = "committed rounds")
  private @Nullable Integer rounds;

  @Option(
      names = "--sites",
      paramLabel = "N",
      description = "sites of a generated federation (default 5)")
  private @Nullable Integer sites;

  @Option(
      names = "--seed",
      paramLabel = "N",
      description = "of initial weights and batch order (default 1)")
  private long seed = 1;

  @Option(
      names = "--n-c",
      paramLabel = "N",
      description =
          "sites that may collude with the aggregator and still learn nothing (default 1)")
  private @Nullable Integer nC;

  @Option(
      names = "--kill-site",
      paramLabel = "N",
      description =
          "kill -9 the agent of the Nth site in the middle of a round; start it again later")
  private @Nullable Integer killSite;

  @Option(
      names = "--kill-aggregator",
      description = "kill -9 the aggregator in the middle of a round and start it again")
  private boolean killAggregator;

  @Option(
      names = "--keep",
      paramLabel = "DIR",
      arity = "0..1",
      fallbackValue = "",
      description = "keep the work folder with all keys, data and logs; it is DIR, if given")
  private @Nullable String keep;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      description = "where the model is put (default comity-demo-out)")
  private Path out = Path.of("comity-demo-out");

  @Option(
      names = "--port",
      paramLabel = "N",
      description = "of REST and the dashboard (default: any free one)")
  private @Nullable Integer port;

  @Option(
      names = "--stay",
      description = "leave everything running after the run, for the dashboard, until Ctrl-C")
  private boolean stay;

  public static void main(String[] arguments) {
    System.exit(commandLine(System.out, System.err).execute(arguments));
  }

  static CommandLine commandLine(PrintStream out, PrintStream err) {
    var line = new CommandLine(new DemoCommand());
    line.setOut(new java.io.PrintWriter(out, true, java.nio.charset.StandardCharsets.UTF_8));
    line.setErr(new java.io.PrintWriter(err, true, java.nio.charset.StandardCharsets.UTF_8));
    line.setParameterExceptionHandler((refused, _) -> {
      refused.getCommandLine().getErr().println(refused.getMessage());
      refused.getCommandLine().getErr().println("See deploy/demo/run --help.");
      return 2;
    });
    return line;
  }

  @Override
  public Integer call() throws InterruptedException {
    DemoOptions options = options();
    Study study;
    try {
      study = Study.choose(options);
    } catch (IllegalArgumentException | RecipeException e) {
      throw refused(String.valueOf(e.getMessage()));
    }
    return Demo.run(
        options,
        study,
        Programs.in(Path.of(System.getProperty("comity.checkout", "."))),
        Terminal.standard());
  }

  DemoOptions options() {
    if (!ALGORITHMS.contains(algorithm)) {
      throw refused(
          "--algorithm %s: must be one of %s".formatted(algorithm, String.join(", ", ALGORITHMS)));
    }
    if (data != null && recipe == null) {
      throw refused(
          "--data %s: needs --recipe; without one the data are generated".formatted(data));
    }
    atLeast("--rounds", rounds, 1);
    atLeast("--sites", sites, 1);
    atLeast("--n-c", nC, 0);
    if (killSite != null && killAggregator) {
      throw refused("--kill-site and --kill-aggregator: give one of them");
    }
    if (port != null && (port < 1 || port > 65_535)) {
      throw refused("--port %d: must be 1 to 65535".formatted(port));
    }
    return new DemoOptions(
        Optional.ofNullable(recipe),
        Optional.ofNullable(data).map(Path::toAbsolutePath),
        algorithm,
        optional(rounds),
        optional(sites),
        seed,
        optional(nC),
        fault(),
        optional(port),
        keep != null,
        Optional.ofNullable(keep).filter(folder -> !folder.isEmpty()).map(Path::of),
        out,
        stay);
  }

  private Fault fault() {
    if (killSite != null) {
      return new Fault.KillSite(killSite);
    }
    return killAggregator ? new Fault.KillAggregator() : new Fault.None();
  }

  private void atLeast(String option, @Nullable Integer value, int least) {
    if (value != null && value < least) {
      throw refused("%s %d: must be >= %d".formatted(option, value, least));
    }
  }

  private static OptionalInt optional(@Nullable Integer value) {
    return value == null ? OptionalInt.empty() : OptionalInt.of(value);
  }

  private ParameterException refused(String message) {
    return new ParameterException(spec.commandLine(), message);
  }
}
