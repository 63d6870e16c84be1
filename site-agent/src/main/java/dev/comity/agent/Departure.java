package dev.comity.agent;

import dev.comity.agent.participation.Agent;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.ConfigurableApplicationContext;

/// How the agent's process ends, whoever ends it: the batch under way is finished, the training
/// saved, the directory freed; then the exit code says whether to start the agent again. An exit
/// code of its own takes an end by force: after a signal the JVM has none but 128 and the signal.
final class Departure {
  private static final Logger LOG = LoggerFactory.getLogger(Departure.class);

  /// `EX_TEMPFAIL` of BSD's sysexits: work is left, start again.
  static final int WORK_LEFT = 75;

  /// A batch of at most 20 s, and 60 s for its checkpoint. Below the 90 s that systemd waits.
  static final Duration LONGEST = Duration.ofSeconds(80);

  private final ConfigurableApplicationContext application;
  private final Agent agent;

  Departure(ConfigurableApplicationContext application, Agent agent) {
    this.application = application;
    this.agent = agent;
  }

  /// From now on the process ends this way, also when the site's resources ask it to.
  void prepare() {
    Runtime.getRuntime().addShutdownHook(new Thread(this::leave, "departure"));
    Thread.ofVirtual()
        .name("drain")
        .start(() -> {
          try {
            if (agent.awaitDrained()) {
              LOG.atInfo().log("Site's resources end this process; its trainings are saved");
              System.exit(WORK_LEFT);
            }
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
        });
  }

  private void leave() {
    boolean drained = agent.draining();
    Thread closing = Thread.ofPlatform().daemon().name("closing").start(application::close);
    boolean saved = false;
    try {
      saved = closing.join(LONGEST);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    if (!saved) {
      LOG.atWarn()
          .log("Training did not stop in time; what it did since its last checkpoint is lost");
    }
    boolean workLeft = drained || !saved || agent.workLeft();
    LOG.atInfo().log(workLeft ? "Agent stops with work left" : "Agent stops");
    Runtime.getRuntime().halt(workLeft ? WORK_LEFT : 0);
  }
}
