package dev.comity.agent;

import dev.comity.agent.audit.DoesNotHoldException;
import dev.comity.agent.data.DataRefusedException;
import dev.comity.agent.link.LinkException;
import dev.comity.agent.link.RefusedByAggregator;
import dev.comity.agent.participation.AgentVersion;
import dev.comity.agent.participation.RefusedSettings;
import dev.comity.codec.MalformedException;
import dev.comity.ledger.DamagedLedgerException;
import dev.comity.membership.RefusedSignatureException;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/// `site-agent`: takes a site into a federation and lets it take part.
///
/// Exit codes: 0 done; 1 failed, with the reason on standard error; 2 wrong usage; 3 the aggregator
/// refused; 4 the aggregator cannot be reached; 5 an export does not hold; 75 the agent was stopped
/// with work left.
@Command(
    name = "site-agent",
    description = "Takes a site into a federation and lets it take part. Its data never leave.",
    mixinStandardHelpOptions = true,
    versionProvider = AgentCommand.Version.class,
    subcommands = {
      JoinCommand.class,
      RunCommand.class,
      StatusCommand.class,
      PolicyCommand.class,
      ApprovalsCommand.class,
      WithdrawCommand.class,
      DoctorCommand.class,
      KeysCommand.class,
      LedgerCommand.class,
      AuditCommand.class
    },
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      "0:done",
      "1:failed; the reason is on standard error",
      "2:wrong usage",
      "3:the aggregator refused",
      "4:the aggregator cannot be reached",
      "5:an export does not hold",
      "75:the agent was stopped with work left; start it again"
    })
final class AgentCommand implements Runnable {
  static final int REFUSED = 3;
  static final int UNREACHABLE = 4;
  static final int DOES_NOT_HOLD = 5;

  @CommandLine.Spec private CommandLine.Model.CommandSpec spec;

  static CommandLine commandLine() {
    return new CommandLine(new AgentCommand())
        .setExitCodeExceptionMapper(AgentCommand::exitCode)
        .setExecutionExceptionHandler(AgentCommand::explain);
  }

  @Override
  public void run() {
    throw new CommandLine.ParameterException(
        spec.commandLine(),
        "name a command: join, run, status, policy, approvals, withdraw, doctor, keys, ledger or audit");
  }

  private static int exitCode(Throwable failure) {
    return switch (failure) {
      case RefusedByAggregator _ -> REFUSED;
      case LinkException _ -> UNREACHABLE;
      case DoesNotHoldException _ -> DOES_NOT_HOLD;
      case CommandLine.ParameterException _ -> CommandLine.ExitCode.USAGE;
      default -> CommandLine.ExitCode.SOFTWARE;
    };
  }

  /// What was foreseen is told in one line, the rest with its trace.
  private static int explain(
      Exception failure, CommandLine command, CommandLine.ParseResult arguments) {
    switch (failure) {
      case RefusedByAggregator _,
          LinkException _,
          RefusedSettings _,
          DataRefusedException _,
          DamagedLedgerException _,
          MalformedException _,
          RefusedSignatureException _,
          DoesNotHoldException _,
          IllegalArgumentException _,
          IllegalStateException _ ->
          command.getErr().println("site-agent: " + failure.getMessage());
      default -> failure.printStackTrace(command.getErr());
    }
    command.getErr().flush();
    return exitCode(failure);
  }

  static final class Version implements CommandLine.IVersionProvider {
    @Override
    public String[] getVersion() {
      return new String[] {"site-agent " + AgentVersion.text()};
    }
  }
}
