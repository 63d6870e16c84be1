package dev.comity.agent;

import org.springframework.boot.autoconfigure.SpringBootApplication;
import picocli.CommandLine;

/// The site agent's process.
@SpringBootApplication
public class AgentApplication {

  public static void main(String[] arguments) {
    int exit = AgentCommand.commandLine().execute(arguments);
    if (exit != CommandLine.ExitCode.OK) {
      System.exit(exit);
    }
  }
}
