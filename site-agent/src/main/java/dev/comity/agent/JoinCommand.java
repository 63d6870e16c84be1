package dev.comity.agent;

import dev.comity.agent.link.HttpProxy;
import dev.comity.agent.participation.AgentSettings;
import dev.comity.agent.participation.Join;
import dev.comity.agent.participation.SiteDirectory;
import java.io.PrintWriter;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/// `site-agent join`.
@Command(
    name = "join",
    description = "Makes this site's keys and enrols it with an invitation. May be repeated.",
    mixinStandardHelpOptions = true,
    versionProvider = AgentCommand.Version.class)
final class JoinCommand implements Callable<Integer> {
  @CommandLine.Spec private CommandLine.Model.CommandSpec spec;

  @ArgGroup(multiplicity = "1")
  private Invitation invitation;

  static final class Invitation {
    @Option(names = "--token", description = "The invitation, one line that begins with comity1.")
    @Nullable String token;

    @Option(names = "--token-file", description = "A file that holds the invitation.")
    @Nullable Path file;
  }

  @Option(names = "--dir", required = true, description = "The site's folder; made when missing.")
  private Path directory;

  @Option(
      names = "--data-mapping",
      description = "How the site's data become examples (default: mapping.yaml in the folder).")
  private @Nullable Path mapping;

  @Option(
      names = "--status-port",
      defaultValue = "" + AgentSettings.DEFAULT_STATUS_PORT,
      description = "Port of the status page on loopback; 0 takes any (default: ${DEFAULT-VALUE}).")
  private int statusPort;

  @ArgGroup(exclusive = false)
  private @Nullable Proxy proxy;

  static final class Proxy {
    @Option(
        names = "--proxy",
        required = true,
        paramLabel = "http://HOST:PORT",
        description = "An HTTP proxy that tunnels (CONNECT) to the aggregator; kept in agent.yaml.")
    URI address;

    @ArgGroup(exclusive = false)
    @Nullable Login login;
  }

  static final class Login {
    @Option(names = "--proxy-user", required = true, description = "The proxy's user.")
    String user;

    @Option(
        names = "--proxy-password-file",
        required = true,
        paramLabel = "FILE",
        description = "A file whose first line is the password; read at each start.")
    Path passwordFile;
  }

  @Override
  public Integer call() throws Exception {
    var joined =
        new Join(Clock.systemUTC())
            .join(
                new SiteDirectory(directory),
                token(),
                Optional.ofNullable(mapping),
                statusPort,
                way());
    PrintWriter out = spec.commandLine().getOut();
    out.printf(
        joined.repeated()
            ? "Site %s has joined federation %s before; nothing was changed.%n"
            : "Site %s has joined federation %s.%n",
        joined.settings().site(),
        joined.settings().federation());
    out.printf(
        "Fingerprint of its message key:%n%n  %s%n%n", joined.messageKey().displayFingerprint());
    out.println(
        "Tell this fingerprint to the consortium by telephone or in person; it admits the site"
            + " after comparing it.");
    out.printf("Then: site-agent run --dir %s%n", directory);
    out.flush();
    return CommandLine.ExitCode.OK;
  }

  private Optional<HttpProxy> way() {
    return Optional.ofNullable(proxy)
        .map(given ->
            new HttpProxy(
                given.address,
                Optional.ofNullable(given.login)
                    .map(login ->
                        new HttpProxy.Login(
                            login.user, login.passwordFile.toAbsolutePath().normalize()))));
  }

  private String token() throws Exception {
    if (invitation.token != null) {
      return invitation.token;
    }
    Path file = invitation.file;
    if (file == null || !Files.isRegularFile(file)) {
      throw new CommandLine.ParameterException(
          spec.commandLine(), "--token-file %s: no such file".formatted(file));
    }
    return Files.readString(file, StandardCharsets.UTF_8).strip();
  }
}
