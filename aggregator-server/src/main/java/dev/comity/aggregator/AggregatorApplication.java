package dev.comity.aggregator;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;

/// The aggregator's process.
@SpringBootApplication(
    scanBasePackages = {
      "dev.comity.aggregator",
      "dev.comity.federation",
      "dev.comity.run",
      "dev.comity.round",
      "dev.comity.audit"
    })
public class AggregatorApplication {

  public static void main(String[] arguments) throws InterruptedException {
    var exit = new AggregatorCommand(System.out, System.err).run(arguments);
    if (exit.isPresent()) {
      System.exit(exit.getAsInt());
    }
    SpringApplication.run(AggregatorApplication.class, arguments);
  }
}
