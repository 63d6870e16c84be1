package dev.comity.agent;

import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.logging.LoggingSystem;
import picocli.CommandLine;

/// The site agent's process.
@SpringBootApplication
public class AgentApplication {

  public static void main(String[] arguments) {
    // Commands say what there is to say themselves; Spring begins to log when the agent starts.
    LoggingSystem.get(AgentApplication.class.getClassLoader()).beforeInitialize();
    int exit = AgentCommand.commandLine().execute(arguments);
    if (exit != CommandLine.ExitCode.OK) {
      System.exit(exit);
    }
  }
}
