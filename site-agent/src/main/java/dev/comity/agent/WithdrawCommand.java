package dev.comity.agent;

import dev.comity.agent.participation.SiteDirectory;
import dev.comity.agent.participation.Withdrawals;
import dev.comity.plan.RunId;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Clock;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/// `site-agent withdraw`: leaves a study or a run.
@Command(
    name = "withdraw",
    description = {
      "Leaves a study or a run now and for good, and erases the updates and checkpoints that are"
          + " stored for it. Later rounds of it are refused.",
      "An update whose masked vector was sent cannot be recalled: the session that has it goes on."
          + " Works whether the agent runs or not; may be repeated."
    },
    mixinStandardHelpOptions = true,
    versionProvider = AgentCommand.Version.class)
final class WithdrawCommand implements Callable<Integer> {
  @CommandLine.Spec private CommandLine.Model.CommandSpec spec;

  @Option(names = "--dir", required = true, description = "The folder of a site that has joined.")
  private Path directory;

  @ArgGroup(multiplicity = "1")
  private From from;

  static final class From {
    @Option(names = "--study", paramLabel = "NAME", description = "The study, with all its runs.")
    @Nullable String study;

    @Option(names = "--run", paramLabel = "RUN", description = "One run.")
    @Nullable String run;
  }

  @Override
  public Integer call() {
    Withdrawals.From left = left();
    PrintWriter out = spec.commandLine().getOut();
    switch (Withdrawals.withdraw(new SiteDirectory(directory), left, Clock.systemUTC())) {
      case Withdrawals.Outcome.AgentRuns() ->
          out.printf(
              "left %s; the running agent erases what is stored for it (see status)%n", left);
      case Withdrawals.Outcome.Erased(int erased, int inDoubt, int summed) -> {
        out.printf("left %s%n", left);
        out.printf("  erased, in no sum               %d updates%n", erased);
        out.printf("  sent, whether summed not known  %d updates%n", inDoubt);
        out.printf("  in a sum, cannot be recalled    %d updates%n", summed);
      }
    }
    out.flush();
    return CommandLine.ExitCode.OK;
  }

  private Withdrawals.From left() {
    if (from.study != null) {
      return new Withdrawals.From.Study(from.study);
    }
    try {
      return new Withdrawals.From.Run(RunId.parse(String.valueOf(from.run)));
    } catch (IllegalArgumentException e) {
      throw new CommandLine.ParameterException(
          spec.commandLine(), "--run %s: no run's id".formatted(from.run), e);
    }
  }
}
