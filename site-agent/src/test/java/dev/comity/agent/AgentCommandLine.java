package dev.comity.agent;

import java.io.PrintWriter;
import java.io.StringWriter;

/// Runs a command in this process.
public final class AgentCommandLine {
  /// What a command left behind.
  public record Result(int exitCode, String out, String err) {}

  private AgentCommandLine() {}

  public static Result run(String... arguments) {
    var out = new StringWriter();
    var err = new StringWriter();
    int code =
        AgentCommand.commandLine()
            .setOut(new PrintWriter(out, true))
            .setErr(new PrintWriter(err, true))
            .execute(arguments);
    return new Result(code, out.toString(), err.toString());
  }
}
