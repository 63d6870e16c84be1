package dev.comity.demo;

import dev.comity.agent.data.DataRefusedException;
import picocli.CommandLine;

/// What the user can mend is one line; anything else is a defect and shows where it is.
final class ExpectedFailures implements CommandLine.IExecutionExceptionHandler {
  @Override
  public int handleExecutionException(
      Exception failure, CommandLine command, CommandLine.ParseResult parsed) throws Exception {
    switch (failure) {
      case RecipeException refused -> command.getErr().println(refused.getMessage());
      case DemoFailure failed -> command.getErr().println(failed.getMessage());
      case DataRefusedException refused -> command.getErr().println(refused.getMessage());
      default -> throw failure;
    }
    return CommandLine.ExitCode.USAGE;
  }
}
