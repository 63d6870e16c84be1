package dev.comity.agent;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/// `site-agent natives`: the native libraries, for a system whose files nobody may change.
@Command(
    name = "natives",
    description = "Unpacks the native libraries, and checks that they can be loaded.",
    mixinStandardHelpOptions = true,
    versionProvider = AgentCommand.Version.class,
    subcommands = {NativesCommand.Extract.class, NativesCommand.Check.class})
final class NativesCommand implements Runnable {
  @CommandLine.Spec private CommandLine.Model.CommandSpec spec;

  @Override
  public void run() {
    throw new CommandLine.ParameterException(
        spec.commandLine(), "name a command: extract or check");
  }

  /// `natives extract`.
  @Command(
      name = "extract",
      description = {
        "Unpacks libtorch and BoringSSL into a folder, from which the agent then loads them.",
        "The last lines printed are the options to start java with."
      },
      mixinStandardHelpOptions = true,
      versionProvider = AgentCommand.Version.class)
  static final class Extract implements Callable<Integer> {
    @CommandLine.Spec private CommandLine.Model.CommandSpec spec;

    @Parameters(paramLabel = "DIR", description = "The folder; made when missing.")
    private Path folder;

    @Override
    public Integer call() throws IOException {
      Path target = folder.toAbsolutePath().normalize();
      PrintWriter out = spec.commandLine().getOut();
      for (Path file : NativeLibraries.extract(target)) {
        out.println(file);
      }
      out.printf("-DPYTORCH_LIBRARY_PATH=%s%n", target.resolve(NativeLibraries.TORCH));
      out.printf("-Djava.library.path=%s%n", target.resolve(NativeLibraries.TLS));
      out.flush();
      return CommandLine.ExitCode.OK;
    }
  }

  /// `natives check`.
  @Command(
      name = "check",
      description = "Loads every native library, computes with PyTorch, and says what was loaded.",
      mixinStandardHelpOptions = true,
      versionProvider = AgentCommand.Version.class)
  static final class Check implements Callable<Integer> {
    @CommandLine.Spec private CommandLine.Model.CommandSpec spec;

    @Override
    public Integer call() throws IOException {
      PrintWriter out = spec.commandLine().getOut();
      for (var library : NativeLibraries.load()) {
        out.printf("%-8s %s from %s%n", library.name(), library.version(), library.file());
      }
      out.flush();
      return CommandLine.ExitCode.OK;
    }
  }
}
