package dev.comity.demo;

import dev.comity.agent.training.StepSpeed;
import dev.comity.agent.training.StepSpeed.Way;
import dev.comity.plan.Architecture;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/// What record-level differential privacy costs in training.
@Command(
    name = "private-steps",
    description =
        "Measures whole steps of training on one thread: without privacy, with one backward pass"
            + " for each example, and with ghost clipping, the latter two with clipping and noise."
            + " Prints examples a second and their ratio to the plain step of the same run.",
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class PrivateStepsCommand implements Callable<Integer> {
  private static final List<Architecture> MODELS =
      List.of(
          new Architecture(Architecture.LOGISTIC_REGRESSION, List.of(30, 1)),
          new Architecture(Architecture.MLP, List.of(784, 128, 10)));

  @Spec private CommandSpec spec;

  @Option(
      names = "--samples",
      paramLabel = "N",
      split = ",",
      defaultValue = "64,1024",
      description = "examples that a step takes (default ${DEFAULT-VALUE})")
  private List<Integer> samples;

  @Option(
      names = "--turn",
      paramLabel = "MILLISECONDS",
      defaultValue = "500",
      description = "least processor time of a turn of each way (default ${DEFAULT-VALUE})")
  private int turn;

  @Option(
      names = "--repeats",
      paramLabel = "N",
      defaultValue = "5",
      description =
          "turns of which the fastest counts, after three to warm up (default ${DEFAULT-VALUE})")
  private int repeats;

  PrivateStepsCommand() {}

  @Override
  public Integer call() {
    requireAtLeast("--turn", turn, 1);
    requireAtLeast("--repeats", repeats, 1);
    samples.forEach(sample -> requireAtLeast("--samples", sample, 1));
    PrintWriter out = spec.commandLine().getOut();
    out.println(
        "| model | examples a step | plain | loop | ghost | loop / plain | ghost / plain |");
    out.println("|---|---|---|---|---|---|---|");
    for (var model : MODELS) {
      for (int sample : samples) {
        row(out, model, sample, StepSpeed.measure(model, sample, Duration.ofMillis(turn), repeats));
      }
    }
    return 0;
  }

  private static void row(
      PrintWriter out, Architecture model, int sample, Map<Way, Double> speeds) {
    double plain = speeds.getOrDefault(Way.PLAIN, Double.NaN);
    double loop = speeds.getOrDefault(Way.LOOP, Double.NaN);
    double ghost = speeds.getOrDefault(Way.GHOST, Double.NaN);
    out.printf(
        Locale.ROOT,
        "| %s | %d | %,.0f | %,.0f | %,.0f | %.3f | %.2f |%n",
        model,
        sample,
        plain,
        loop,
        ghost,
        loop / plain,
        ghost / plain);
    out.flush();
  }

  private void requireAtLeast(String option, int value, int least) {
    if (value < least) {
      throw new ParameterException(
          spec.commandLine(), "%s %d: must be >= %d".formatted(option, value, least));
    }
  }
}
