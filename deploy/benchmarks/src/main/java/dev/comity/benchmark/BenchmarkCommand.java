package dev.comity.benchmark;

import picocli.CommandLine;
import picocli.CommandLine.Command;

/// `deploy/benchmark`: measures what `docs/benchmarks.md` records.
@Command(
    name = "deploy/benchmark",
    description = "Measures what docs/benchmarks.md records.",
    mixinStandardHelpOptions = true,
    version = "Comity 0.1.0-SNAPSHOT",
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {HeartDiseaseCommand.class})
public final class BenchmarkCommand {
  BenchmarkCommand() {}

  public static void main(String[] arguments) {
    System.exit(commandLine().execute(arguments));
  }

  static CommandLine commandLine() {
    return new CommandLine(new BenchmarkCommand())
        .setExecutionExceptionHandler(new ExpectedFailures());
  }
}
