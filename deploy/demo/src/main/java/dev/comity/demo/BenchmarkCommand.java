package dev.comity.demo;

import picocli.CommandLine;
import picocli.CommandLine.Command;

/// `deploy/benchmark`: measures what `docs/benchmarks.md` records.
@Command(
    name = "deploy/benchmark",
    description = "Measures what docs/benchmarks.md records.",
    mixinStandardHelpOptions = true,
    version = "Comity benchmark 0.1.0",
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {
      HeartDiseaseCommand.class,
      StragglersCommand.class,
      RoundCommand.class,
      PrivateStepsCommand.class
    })
public final class BenchmarkCommand {
  BenchmarkCommand() {}

  public static void main(String[] arguments) {
    System.exit(commandLine().execute(arguments));
  }

  static CommandLine commandLine() {
    return new CommandLine(new BenchmarkCommand())
        .setExecutionExceptionHandler(new ExpectedFailures())
        .setParameterExceptionHandler((refused, _) -> {
          var err = refused.getCommandLine().getErr();
          err.println(refused.getMessage());
          err.println(
              "See %s --help."
                  .formatted(refused.getCommandLine().getCommandSpec().qualifiedName()));
          return CommandLine.ExitCode.USAGE;
        });
  }
}
