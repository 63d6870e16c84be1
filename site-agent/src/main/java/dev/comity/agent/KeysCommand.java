package dev.comity.agent;

import dev.comity.agent.participation.AgentSettings;
import dev.comity.agent.participation.SiteDirectory;
import dev.comity.agent.protection.SiteKeys;
import dev.comity.membership.KeySuccession;
import dev.comity.membership.MessageKey;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/// `site-agent keys`: the site's message key and the one to follow it.
@Command(
    name = "keys",
    description = "Shows the site's message key, and prepares the one to follow it.",
    mixinStandardHelpOptions = true,
    versionProvider = AgentCommand.Version.class,
    subcommands = {KeysCommand.Show.class, KeysCommand.Next.class})
final class KeysCommand implements Runnable {
  @CommandLine.Spec private CommandLine.Model.CommandSpec spec;

  @Override
  public void run() {
    throw new CommandLine.ParameterException(spec.commandLine(), "name a command: show or next");
  }

  private static void print(PrintWriter out, String which, MessageKey key) {
    out.printf("%s message key%n", which);
    out.printf("  key          %s%n", key.publicKey().hex());
    out.printf("  fingerprint  %s%n", key.publicKey().displayFingerprint());
  }

  /// `keys show`.
  @Command(
      name = "show",
      description = "Prints the public halves of the present message key and of a prepared one.",
      mixinStandardHelpOptions = true,
      versionProvider = AgentCommand.Version.class)
  static final class Show implements Callable<Integer> {
    @CommandLine.Spec private CommandLine.Model.CommandSpec spec;

    @Option(names = "--dir", required = true, description = "The folder of a site that has joined.")
    private Path directory;

    @Override
    public Integer call() {
      SiteKeys keys = SiteKeys.load(new SiteDirectory(directory).keys());
      PrintWriter out = spec.commandLine().getOut();
      print(out, "present", keys.messageKey());
      keys.nextMessageKey().ifPresent(next -> print(out, "next", next));
      out.flush();
      return CommandLine.ExitCode.OK;
    }
  }

  /// `keys next`.
  @Command(
      name = "next",
      description = {
        "Makes the message key that shall follow the present one, beside it, and prints what the"
            + " consortium needs to list it. Repeated, it prints the same.",
        "The agent may run meanwhile; it changes keys once a membership lists the new one."
      },
      mixinStandardHelpOptions = true,
      versionProvider = AgentCommand.Version.class)
  static final class Next implements Callable<Integer> {
    @CommandLine.Spec private CommandLine.Model.CommandSpec spec;

    @Option(names = "--dir", required = true, description = "The folder of a site that has joined.")
    private Path directory;

    @Option(
        names = "--out",
        paramLabel = "FILE",
        description =
            "Writes the statement for the consortium, signed by both keys, to a file; it holds no secret.")
    private @Nullable Path statement;

    @Override
    public Integer call() throws IOException {
      var site = new SiteDirectory(directory);
      AgentSettings settings = AgentSettings.read(site);
      SiteKeys keys = SiteKeys.load(site.keys());
      MessageKey next = keys.prepareMessageKey();
      String token =
          KeySuccession.sign(
                  settings.federation(), Optional.of(settings.site()), keys.messageKey(), next)
              .token();
      PrintWriter out = spec.commandLine().getOut();
      print(out, "next", next);
      if (statement == null) {
        out.printf("  statement    %s%n", token);
      } else {
        Files.writeString(statement, token + "\n", StandardCharsets.US_ASCII);
        out.printf("  statement    in %s%n", statement);
      }
      out.printf(
          "%nSend the statement to the consortium, or tell it key and fingerprint by telephone if the present key may be stolen.%n");
      out.flush();
      return CommandLine.ExitCode.OK;
    }
  }
}
