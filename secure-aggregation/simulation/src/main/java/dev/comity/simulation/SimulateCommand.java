package dev.comity.simulation;

import java.io.PrintWriter;
import java.util.concurrent.Callable;
import java.util.stream.LongStream;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// Runs simulated rounds of secure aggregation, a seed each, with faults and lies.
@Command(
    name = "simulate",
    mixinStandardHelpOptions = true,
    version = "Comity simulate 0.1.0",
    subcommands = ScaleCommand.class,
    description =
        "Runs rounds of simulated sites and one aggregator, a seed each, with power cuts, a bad"
            + " network and lies. A broken promise is shown with its seed and its trace, and the"
            + " exit code is 1.")
public final class SimulateCommand implements Callable<Integer> {
  private static final int LEAST_SITES = 4;
  private static final int MOST_SITES = 512;
  private static final int SEEDS_AT_ONCE = 64; // whose traces are in memory

  private final Equipment equipment;

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
      description =
          "sites of every round, 4 to 512; 0 for 4 to 8 or, on a ring, 12 to 14, by the seed"
              + " (default ${DEFAULT-VALUE})")
  private int sites;

  @Option(names = "--trace", description = "print the trace of every seed")
  private boolean trace;

  private SimulateCommand(Equipment equipment) {
    this.equipment = equipment;
  }

  public static void main(String[] arguments) {
    System.exit(commandLine(Equipment.SOUND).execute(arguments));
  }

  static CommandLine commandLine(Equipment equipment) {
    return new CommandLine(new SimulateCommand(equipment))
        .setParameterExceptionHandler((refused, _) -> {
          CommandLine command = refused.getCommandLine();
          command
              .getErr()
              .printf(
                  "%s; see %s --help%n",
                  refused.getMessage(), command.getCommandSpec().qualifiedName());
          return CommandLine.ExitCode.USAGE;
        });
  }

  @Override
  public Integer call() {
    if (seeds < 1) {
      throw refused("--seeds %d: must be >= 1".formatted(seeds));
    }
    if (sites != 0 && (sites < LEAST_SITES || sites > MOST_SITES)) {
      throw refused("--sites %d: must be 0 or %d to %d".formatted(sites, LEAST_SITES, MOST_SITES));
    }
    PrintWriter out = spec.commandLine().getOut();
    MemoisedCryptography.install();
    long violations = 0;
    Tally tally = new Tally();
    for (long first = 0; first < seeds; first += SEEDS_AT_ONCE) {
      for (Simulation.Outcome outcome :
          LongStream.range(first, Math.min(first + SEEDS_AT_ONCE, seeds))
              .parallel()
              .mapToObj(this::run)
              .toList()) {
        tally.add(outcome.tally());
        violations += outcome.violation().isPresent() ? 1 : 0;
        print(out, outcome);
      }
    }
    out.print(tally);
    out.printf("%d seeds, %d with a broken promise%n", seeds, violations);
    out.flush();
    return violations == 0 ? CommandLine.ExitCode.OK : CommandLine.ExitCode.SOFTWARE;
  }

  private Simulation.Outcome run(long number) {
    long seed = from + number;
    return Simulation.run(seed, Scenario.of(seed, sites), equipment);
  }

  private void print(PrintWriter out, Simulation.Outcome outcome) {
    if (trace || outcome.violation().isPresent()) {
      out.println(outcome.trace());
    }
    outcome
        .violation()
        .ifPresent(found ->
            out.printf(
                "seed %d breaks %s%nagain: simulate --from %d --seeds 1 --sites %d --trace%n",
                outcome.seed(), found.getMessage(), outcome.seed(), sites));
    out.flush();
  }

  private CommandLine.ParameterException refused(String what) {
    return new CommandLine.ParameterException(spec.commandLine(), what);
  }
}
