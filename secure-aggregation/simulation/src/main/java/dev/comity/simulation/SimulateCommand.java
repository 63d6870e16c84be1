package dev.comity.simulation;

import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// Runs simulated rounds of secure aggregation, a seed each, with faults and lies.
@Command(
    name = "simulate",
    mixinStandardHelpOptions = true,
    description =
        "Runs rounds of simulated sites and one aggregator, a seed each, with power cuts, a bad network and lies. A broken promise is shown with its seed and its trace.")
public final class SimulateCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(
      names = "--seeds",
      paramLabel = "N",
      defaultValue = "1000",
      description = "how many seeds (default ${DEFAULT-VALUE})")
  private long seeds;

  @Option(
      names = "--from",
      paramLabel = "S",
      defaultValue = "1",
      description = "the first seed (default ${DEFAULT-VALUE})")
  private long from;

  @Option(
      names = "--sites",
      paramLabel = "N",
      defaultValue = "0",
      description = "sites of every round; 0 for 4 to 8, by the seed (default ${DEFAULT-VALUE})")
  private int sites;

  @Option(names = "--trace", description = "print the trace of every seed")
  private boolean trace;

  public static void main(String[] arguments) {
    System.exit(new CommandLine(new SimulateCommand()).execute(arguments));
  }

  @Override
  public Integer call() {
    PrintWriter out = spec.commandLine().getOut();
    MemoisedSignatures.install();
    long violations = 0;
    Tally tally = new Tally();
    for (long seed = from; seed < from + seeds; seed++) {
      Simulation.Outcome outcome = Simulation.run(seed, sites);
      tally.add(outcome.tally());
      if (trace || outcome.violation().isPresent()) {
        out.println(outcome.trace());
      }
      if (outcome.violation().isPresent()) {
        violations++;
        out.printf(
            "seed %d breaks %s%nagain: simulate --from %d --seeds 1 --sites %d%n",
            seed, outcome.violation().get().getMessage(), seed, sites);
        out.flush();
      }
    }
    out.print(tally);
    out.printf("%d seeds, %d with a broken promise%n", seeds, violations);
    out.flush();
    return violations == 0 ? 0 : 1;
  }
}
