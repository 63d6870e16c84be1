package dev.comity.demo;

import dev.comity.demo.Stragglers.Point;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/// Partial work kept and dropped, as in FedProx's paper.
@Command(
    name = "stragglers",
    description =
        "Trains softmax regression on FedProx's synthetic(1, 1) with sites that cannot finish in"
            + " time: 30 sites, 10 of them a round, 20 epochs in batches of 10 at a rate of 0.01."
            + " Dropping what stragglers did (FedAvg) stands beside keeping it, without and with"
            + " the proximal term. Prints loss and accuracy round by round. Fails if keeping it"
            + " with mu = 1 does not end with the lower loss at the last share of stragglers.",
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class StragglersCommand implements Callable<Integer> {
  private static final int SITES = 30;
  private static final int COHORT = 10;
  private static final double ALPHA = 1;
  private static final double BETA = 1;
  private static final long DATA_SEED = 21;

  @Spec private CommandSpec spec;

  @Option(
      names = "--rounds",
      paramLabel = "N",
      defaultValue = "100",
      description = "rounds of each run (default ${DEFAULT-VALUE})")
  private int rounds;

  @Option(
      names = "--every",
      paramLabel = "N",
      defaultValue = "10",
      description = "rounds between two looks at the model (default ${DEFAULT-VALUE})")
  private int every;

  @Option(
      names = "--stragglers",
      paramLabel = "PERCENT",
      split = ",",
      defaultValue = "0,50,90",
      description = "of the sites of a round (default ${DEFAULT-VALUE})")
  private List<Integer> percents;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "1",
      description = "of the model, the draws and the batches (default ${DEFAULT-VALUE})")
  private long seed;

  @Option(
      names = "--threads",
      paramLabel = "N",
      defaultValue = "2",
      description = "sites that train at once (default ${DEFAULT-VALUE})")
  private int threads;

  StragglersCommand() {}

  /// One column of a table.
  private record Method(String name, String algorithm, boolean keep) {}

  private static final List<Method> METHODS =
      List.of(
          new Method("dropped, mu 0", "fedavg", false),
          new Method("kept, mu 0", "fedavg", true),
          new Method("kept, mu 1", "fedprox", true));

  @Override
  public Integer call() throws IOException, InterruptedException {
    require("--rounds", rounds, 1, 10_000);
    require("--every", every, 1, rounds);
    require("--threads", threads, 1, 256);
    percents.forEach(percent -> require("--stragglers", percent, 0, 95));
    var folder = new WorkFolder(Files.createTempDirectory("comity-stragglers-"));
    var pool = Executors.newFixedThreadPool(threads);
    try {
      var sites = SyntheticFederation.write(folder.folder("sites"), SITES, ALPHA, BETA, DATA_SEED);
      boolean better = true;
      for (int percent : percents) {
        better = table(percent, curves(percent, sites, folder, pool));
      }
      return better ? 0 : 1;
    } finally {
      pool.shutdownNow();
      folder.delete();
    }
  }

  private Map<Method, List<Point>> curves(
      int percent, List<SiteFolder> sites, WorkFolder folder, ExecutorService pool)
      throws InterruptedException {
    var curves = new LinkedHashMap<Method, List<Point>>();
    for (var method : METHODS) {
      var stragglers =
          new Stragglers(
              study(method.algorithm()), sites, COHORT, seed, folder.folder("checkpoints"), pool);
      curves.put(method, stragglers.run(rounds, every, percent, method.keep()));
      spec.commandLine()
          .getErr()
          .println("%d %% stragglers, %s: done".formatted(percent, method.name()));
    }
    return curves;
  }

  /// The recipe's, with a session's numbers that no round here needs.
  private static PlannedStudy study(String algorithm) {
    var run = new HashMap<>(Recipe.named("synthetic").runFor(algorithm));
    run.put("minReady", COHORT);
    run.put("nC", 1);
    run.put("minHonest", 3);
    return PlannedStudy.of(run);
  }

  /// Whether keeping with the proximal term ends with less loss than dropping.
  private boolean table(int percent, Map<Method, List<Point>> curves) {
    PrintWriter out = spec.commandLine().getOut();
    out.println();
    out.println("%d %% stragglers; training loss, test accuracy".formatted(percent));
    out.println();
    out.println("| round | " + String.join(" | ", names(curves)) + " |");
    out.println("|---" + "|---".repeat(curves.size()) + "|");
    var columns = new ArrayList<>(curves.values());
    for (int row = 0; row < columns.getFirst().size(); row++) {
      out.print("| " + columns.getFirst().get(row).round());
      for (var column : columns) {
        var point = column.get(row);
        out.printf(Locale.ROOT, " | %.3f, %.3f", point.loss(), point.accuracy());
      }
      out.println(" |");
    }
    out.flush();
    return columns.getLast().getLast().loss() < columns.getFirst().getLast().loss();
  }

  private static List<String> names(Map<Method, List<Point>> curves) {
    return curves.keySet().stream().map(Method::name).toList();
  }

  private void require(String option, int value, int least, int most) {
    if (value < least || value > most) {
      throw new ParameterException(
          spec.commandLine(), "%s %d: must be %d to %d".formatted(option, value, least, most));
    }
  }
}
