package dev.comity.agent;

import dev.comity.agent.participation.Agent;
import dev.comity.agent.participation.AgentSettings;
import dev.comity.agent.participation.SiteDirectory;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.concurrent.Callable;
import org.springframework.boot.SpringApplication;
import org.springframework.context.support.GenericApplicationContext;
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
    var site = new SiteDirectory(directory);
    int port = AgentSettings.read(site).statusPort();
    var agent = Agent.open(site, Clock.systemUTC(), List.of());
    var application = new SpringApplication(AgentApplication.class);
    application.addInitializers(context -> {
      if (context instanceof GenericApplicationContext beans) {
        beans.registerBean(SiteDirectory.class, () -> site);
        beans.registerBean(Agent.class, () -> agent);
      }
    });
    application.setRegisterShutdownHook(false);
    try {
      new Departure(application.run("--server.port=" + port), agent).prepare();
    } catch (RuntimeException e) {
      agent.close();
      throw e;
    }
    return CommandLine.ExitCode.OK;
  }
}
