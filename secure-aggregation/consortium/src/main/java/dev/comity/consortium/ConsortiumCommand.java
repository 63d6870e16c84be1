package dev.comity.consortium;

import dev.comity.codec.MalformedException;
import dev.comity.membership.RefusedSignatureException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.nio.charset.Charset;
import java.time.Clock;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;

/// The consortium's command: it keeps the key that decides who belongs to a federation, on a
/// machine of the consortium's own. Exit codes: 0 done, 1 refused or failed, 2 wrong or missing
/// arguments.
@Command(
    name = "comity-consortium",
    description = "Keeps the consortium's key and signs the membership of a federation.",
    mixinStandardHelpOptions = true,
    versionProvider = ConsortiumCommand.Version.class,
    synopsisSubcommandLabel = "COMMAND",
    footer = {
      "",
      "Exit codes: 0 done, 1 refused or failed, 2 wrong or missing arguments.",
      "The private key stays in the folder given by --dir; keep that machine offline where you can."
    })
public final class ConsortiumCommand {
  static final int REFUSED = 1;
  static final int ASKS = 2;

  /// The version in the jar's manifest.
  static final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
      String version = ConsortiumCommand.class.getPackage().getImplementationVersion();
      return new String[] {"comity-consortium " + (version == null ? "(not packaged)" : version)};
    }
  }

  private ConsortiumCommand() {}

  public static void main(String[] arguments) {
    var keyboard = new InputStreamReader(System.in, Charset.defaultCharset());
    System.exit(commandLine(Clock.systemUTC(), keyboard).execute(arguments));
  }

  /// `answers` is where a person confirms what is to be signed.
  static CommandLine commandLine(Clock clock, Reader answers) {
    var confirmation = new Confirmation(answers);
    return new CommandLine(new ConsortiumCommand())
        .addSubcommand(new InitCommand())
        .addSubcommand(new InviteCommand(clock, confirmation))
        .addSubcommand(new AdmitCommand(clock, confirmation))
        .addSubcommand(new RevokeCommand(clock, confirmation))
        .addSubcommand(new RotateCommand(clock, confirmation))
        .addSubcommand(new AmendCommand(clock, confirmation))
        .addSubcommand(new PublishCommand())
        .addSubcommand(new ShowCommand(clock))
        .addSubcommand(new VerifyCommand(clock))
        .setExecutionExceptionHandler(ConsortiumCommand::explain);
  }

  /// What can be expected to go wrong is one line; anything else is a defect and keeps its trace.
  private static int explain(Exception e, CommandLine command, CommandLine.ParseResult parsed)
      throws Exception {
    return switch (e) {
      case IllegalArgumentException _,
          MalformedException _,
          RefusedSignatureException _,
          UncheckedIOException _,
          AggregatorException _ -> {
        command.getErr().println(command.getCommandName() + ": " + e.getMessage());
        yield REFUSED;
      }
      case Exception other -> throw other;
    };
  }
}
