package dev.comity.consortium;

import picocli.CommandLine;
import picocli.CommandLine.Command;

/// The consortium's offline command.
@Command(
    name = "consortium",
    description = "Keeps the consortium's key and signs the membership of a federation.",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND")
public final class ConsortiumCommand {

  public static void main(String[] arguments) {
    System.exit(new CommandLine(new ConsortiumCommand()).execute(arguments));
  }
}
