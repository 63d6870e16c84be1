package dev.comity.agent;

import dev.comity.agent.participation.AgentSettings;
import dev.comity.agent.participation.SiteDirectory;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import org.springframework.boot.SpringApplication;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/// `site-agent run`: returns once the agent has started; the process goes on until it is stopped.
@Command(
    name = "run",
    description = "Takes part until it is stopped. A stopped or killed agent goes on where it was.",
    mixinStandardHelpOptions = true,
    versionProvider = AgentCommand.Version.class)
final class RunCommand implements Callable<Integer> {
  @Option(names = "--dir", required = true, description = "The folder of a site that has joined.")
  private Path directory;

  @Override
  public Integer call() {
    var settings = AgentSettings.read(new SiteDirectory(directory));
    var application = new SpringApplication(AgentApplication.class);
    application.setDefaultProperties(
        Map.of(
            "server.port",
            settings.statusPort(),
            "comity.agent.directory",
            directory.toAbsolutePath().toString()));
    application.run();
    return CommandLine.ExitCode.OK;
  }
}
