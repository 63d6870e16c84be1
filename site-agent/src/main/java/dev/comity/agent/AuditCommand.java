package dev.comity.agent;

import picocli.CommandLine;
import picocli.CommandLine.Command;

/// `site-agent audit`.
@Command(
    name = "audit",
    description = "Checks what the aggregator keeps for everybody to check.",
    mixinStandardHelpOptions = true,
    versionProvider = AgentCommand.Version.class,
    subcommands = AuditVerifyCommand.class)
final class AuditCommand implements Runnable {
  @CommandLine.Spec private CommandLine.Model.CommandSpec spec;

  @Override
  public void run() {
    throw new CommandLine.ParameterException(spec.commandLine(), "name a command: verify");
  }
}
