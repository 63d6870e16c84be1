package dev.comity.demo;

import dev.comity.demo.InProcessFederation.Accuracy;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.LongStream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/// Every algorithm on the four hospitals, over many seeds, beside the published figures.
@Command(
    name = "heart-disease",
    description =
        "Trains on the four hospitals of Fed-Heart-Disease with the sites' and the aggregator's own"
            + " code and real masked sessions, in one process, over many seeds, and prints the"
            + " accuracies beside FLamby's. Fails if a mean is further than 0.03 from its published"
            + " one.",
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class HeartDiseaseCommand implements Callable<Integer> {
  private static final List<String> ALGORITHMS =
      List.of("fedavg", "fedprox", "fedadam", "fedyogi", "fedadagrad", "fedavgm");

  @Spec private CommandSpec spec;

  @Option(
      names = "--data",
      required = true,
      paramLabel = "DIR",
      description = "folder with the four published files, or with heart_disease that holds them")
  private Path data;

  @Option(
      names = "--seeds",
      paramLabel = "N",
      defaultValue = "20",
      description = "seeds 0 to N-1 (default ${DEFAULT-VALUE})")
  private int seeds;

  @Option(
      names = "--algorithms",
      paramLabel = "NAME",
      split = ",",
      description = "some of fedavg,fedprox,fedadam,fedyogi,fedadagrad,fedavgm (default: all)")
  private List<String> algorithms = ALGORITHMS;

  @Option(
      names = "--rounds",
      paramLabel = "N",
      description = "instead of the published setting's 15; then no verdict is given")
  private int rounds;

  @Option(
      names = "--threads",
      paramLabel = "N",
      defaultValue = "2",
      description = "seeds at once (default ${DEFAULT-VALUE})")
  private int threads;

  @Option(
      names = "--work",
      paramLabel = "DIR",
      description =
          "where the sites' vaults lie for a while (default: the folder for temporary"
              + " files); in memory, their fsyncs cost nothing")
  private Path work = Path.of(System.getProperty("java.io.tmpdir", "/tmp"));

  HeartDiseaseCommand() {}

  @Override
  public Integer call() throws IOException, InterruptedException {
    requireAtLeast("--seeds", seeds, 1);
    requireAtLeast("--rounds", rounds, 0);
    requireAtLeast("--threads", threads, 1);
    for (var algorithm : algorithms) {
      if (!ALGORITHMS.contains(algorithm)) {
        throw refused(
            "--algorithms: '%s' is none of %s".formatted(algorithm, String.join(", ", ALGORITHMS)));
      }
    }
    for (var folder : List.of(data, work)) {
      if (!Files.isDirectory(folder)) {
        throw refused("%s is no folder".formatted(folder));
      }
    }
    var folder = new WorkFolder(Files.createTempDirectory(work, "comity-benchmark-"));
    try {
      return table(measured(folder)) ? 0 : 1;
    } finally {
      folder.delete();
    }
  }

  private Map<String, List<Accuracy>> measured(WorkFolder folder) throws InterruptedException {
    var recipe = Recipe.named("heart-disease");
    var hospitals = recipe.prepare(data, folder.folder("hospitals"));
    var pending = new LinkedHashMap<String, List<Future<Accuracy>>>();
    var results = new LinkedHashMap<String, List<Accuracy>>();
    var pool = Executors.newFixedThreadPool(threads);
    try {
      for (var algorithm : algorithms) {
        var study = PlannedStudy.of(recipe.runFor(algorithm));
        var federation =
            new InProcessFederation(rounds == 0 ? study : study.withRounds(rounds), hospitals);
        pending.put(
            algorithm,
            LongStream.range(0, seeds)
                .mapToObj(seed ->
                    pool.submit(() -> once(federation, seed, folder.folder(algorithm + seed))))
                .toList());
      }
      for (var algorithm : pending.entrySet()) {
        var accuracies = new ArrayList<Accuracy>();
        for (var one : algorithm.getValue()) {
          accuracies.add(one.get());
        }
        results.put(algorithm.getKey(), accuracies);
        spec.commandLine().getErr().println(algorithm.getKey() + " done");
      }
    } catch (ExecutionException failed) {
      throw new IllegalStateException("a run failed", failed.getCause());
    } finally {
      pool.shutdownNow();
    }
    return results;
  }

  private static Accuracy once(InProcessFederation federation, long seed, Path folder)
      throws IOException, InterruptedException {
    try {
      return federation.evaluate(federation.train(seed, folder), folder);
    } finally {
      new WorkFolder(folder).delete();
    }
  }

  /// Whether every mean is near its published one.
  private boolean table(Map<String, List<Accuracy>> results) {
    PrintWriter out = spec.commandLine().getOut();
    out.println("| algorithm | mean of sites | published | pooled test | published | verdict |");
    out.println("|---|---|---|---|---|---|");
    boolean near = true;
    for (var result : results.entrySet()) {
      var sites = Spread.of(result.getValue().stream().map(Accuracy::meanOfSites).toList());
      var pooled = Spread.of(result.getValue().stream().map(Accuracy::pooled).toList());
      var published = PublishedFigures.of(result.getKey());
      double distance = published.map(figures -> figures.distance(sites, pooled)).orElse(0.0);
      boolean judged = published.isPresent() && rounds == 0;
      near &= !judged || distance <= PublishedFigures.TOLERANCE;
      out.printf(
          "| %s | %s | %s | %s | %s | %s |%n",
          result.getKey(),
          sites,
          published.map(figures -> figures.meanOfSites().toString()).orElse("–"),
          pooled,
          published.map(figures -> figures.pooled().toString()).orElse("–"),
          judged ? verdict(distance) : "–");
    }
    out.flush();
    return near;
  }

  private static String verdict(double distance) {
    return String.format(
        Locale.ROOT,
        distance <= PublishedFigures.TOLERANCE ? "within .03 (%.3f)" : "off by %.3f",
        distance);
  }

  private void requireAtLeast(String option, int value, int least) {
    if (value < least) {
      throw refused("%s %d: must be >= %d".formatted(option, value, least));
    }
  }

  private ParameterException refused(String reason) {
    return new ParameterException(spec.commandLine(), reason);
  }
}
