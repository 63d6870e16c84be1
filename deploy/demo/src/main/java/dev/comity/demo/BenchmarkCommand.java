package dev.comity.demo;

import dev.comity.agent.data.LocalDataset;
import dev.comity.agent.data.SiteMapping;
import dev.comity.algorithm.FederatedAlgorithm;
import dev.comity.algorithm.Weighting;
import dev.comity.plan.Architecture;
import dev.comity.plan.LocalTraining;
import dev.comity.plan.LocalWork;
import dev.comity.plan.Loss;
import dev.comity.plan.SiteId;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Makes the table of algorithms in `docs/benchmarks.md`: each algorithm of a recipe, many seeds,
/// masks on.
@Command(
    name = "deploy/benchmark",
    description =
        "Runs every algorithm of a recipe with many seeds in one process, with the code of sites and"
            + " aggregator and masked updates, and prints a table of accuracies.",
    mixinStandardHelpOptions = true,
    version = "Comity benchmark 0.1.0",
    sortOptions = false)
final class BenchmarkCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(
      names = "--recipe",
      paramLabel = "NAME",
      defaultValue = "heart-disease",
      description = "the study (default ${DEFAULT-VALUE})")
  private String recipe;

  @Option(
      names = "--data",
      paramLabel = "DIR",
      description = "folder with the recipe's files; generated data need none")
  private @Nullable Path data;

  @Option(
      names = "--seeds",
      paramLabel = "N",
      defaultValue = "20",
      description = "seeds 1 to N for each algorithm (default ${DEFAULT-VALUE})")
  private int seeds;

  @Option(
      names = "--algorithm",
      paramLabel = "NAME",
      description = "only this one; repeatable (default: all of the recipe)")
  private List<String> algorithms = new ArrayList<>();

  public static void main(String[] arguments) {
    System.exit(new CommandLine(new BenchmarkCommand()).execute(arguments));
  }

  @Override
  public Integer call() throws InterruptedException {
    if (seeds < 1) {
      throw new ParameterException(spec.commandLine(), "--seeds " + seeds + ": must be >= 1");
    }
    var work = WorkFolder.create(Optional.empty());
    try {
      var chosen = Recipe.named(recipe);
      if (data == null && chosen.data() instanceof RecipeData.Files) {
        throw new RecipeException(
            "recipe %s needs --data DIR, the folder with its files; they are published at %s"
                .formatted(recipe, chosen.source().address()));
      }
      table(chosen, work);
      return 0;
    } catch (RecipeException | IllegalArgumentException refused) {
      throw new ParameterException(
          spec.commandLine(), String.valueOf(refused.getMessage()), refused);
    } finally {
      work.delete();
    }
  }

  private void table(Recipe chosen, WorkFolder work) throws InterruptedException {
    var sites = new LinkedHashMap<SiteId, LocalDataset>();
    Optional<SiteMapping> first = Optional.empty();
    for (var folder : chosen.prepare(data == null ? work.root() : data, work.folder("sites"))) {
      var mapping = SiteMapping.read(folder.mapping());
      first = first.or(() -> Optional.of(mapping));
      sites.put(new SiteId(folder.site()), LocalDataset.read(mapping));
    }
    var federation =
        new InProcessFederation(sites, first.orElseThrow().contract(), work.folder("checkpoints"));
    var out = spec.commandLine().getOut();
    out.println("| algorithm | mean of sites | pooled test | seeds |");
    out.println("|---|---|---|---|");
    for (var algorithm :
        algorithms.isEmpty() ? List.copyOf(chosen.algorithms().keySet()) : algorithms) {
      var setting = setting(JsonMapper.shared().valueToTree(chosen.runFor(algorithm)));
      var meanOfSites = new ArrayList<Double>();
      var pooled = new ArrayList<Double>();
      for (long seed = 1; seed <= seeds; seed++) {
        var accuracy = federation.run(setting, seed);
        meanOfSites.add(accuracy.meanOfSites());
        pooled.add(accuracy.pooled());
      }
      out.printf("| %s | %s | %s | %d |%n", algorithm, spread(meanOfSites), spread(pooled), seeds);
      out.flush();
    }
  }

  private static String spread(List<Double> values) {
    double mean = values.stream().mapToDouble(value -> value).average().orElseThrow();
    double squares = values.stream().mapToDouble(value -> (value - mean) * (value - mean)).sum();
    double deviation = values.size() < 2 ? 0 : Math.sqrt(squares / (values.size() - 1));
    return String.format(Locale.ROOT, "%.3f ± %.3f", mean, deviation);
  }

  /// The settings that REST would be sent, as the plan has them.
  private static InProcessFederation.Setting setting(JsonNode run) {
    var widths = new ArrayList<Integer>();
    run.path("architecture").path("widths").forEach(width -> widths.add(width.asInt()));
    var architecture = new Architecture(run.path("architecture").path("family").asString(), widths);
    var training = run.path("training");
    LocalWork amount =
        training.has("epochs")
            ? new LocalWork.Epochs(training.path("epochs").asInt())
            : new LocalWork.Batches(training.path("batches").asInt());
    return new InProcessFederation.Setting(
        architecture,
        algorithm(
            run.path("algorithm"),
            new Weighting.ByExamples(run.path("weighting").path("maxWeight").asLong())),
        new LocalTraining(
            architecture.binary() ? Loss.BINARY_CROSS_ENTROPY : Loss.SOFTMAX_CROSS_ENTROPY,
            training.path("batchSize").asInt(),
            amount,
            training.path("learningRate").asDouble(),
            training.path("momentum").asDouble(0),
            training.path("weightDecay").asDouble(0)),
        run.path("rounds").asInt(),
        run.path("clipNorm").asDouble(),
        run.path("maxExamples").asLong());
  }

  private static FederatedAlgorithm algorithm(JsonNode node, Weighting weighting) {
    double rate = node.path("learningRate").asDouble(1);
    double beta1 = node.path("beta1").asDouble(0);
    double beta2 = node.path("beta2").asDouble(0);
    double tau = node.path("tau").asDouble(0);
    var name = node.path("name").asString();
    return switch (name) {
      case "fedavg" -> new FederatedAlgorithm.FedAvg(weighting, 1);
      case "fedprox" -> new FederatedAlgorithm.FedProx(node.path("mu").asDouble(), weighting, 1);
      case "fedavgm" ->
          new FederatedAlgorithm.FedAvgM(rate, node.path("momentum").asDouble(), weighting);
      case "fedadam" -> new FederatedAlgorithm.FedAdam(rate, beta1, beta2, tau, weighting);
      case "fedyogi" -> new FederatedAlgorithm.FedYogi(rate, beta1, beta2, tau, weighting);
      case "fedadagrad" -> new FederatedAlgorithm.FedAdagrad(rate, beta1, tau, weighting);
      default -> throw new IllegalArgumentException("unknown algorithm " + name);
    };
  }
}
