package dev.comity.agent;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;

/// The site agent's process.
@SpringBootApplication
public class AgentApplication {

  public static void main(String[] arguments) {
    SpringApplication.run(AgentApplication.class, arguments);
  }
}
