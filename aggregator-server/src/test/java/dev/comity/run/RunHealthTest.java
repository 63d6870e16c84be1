package dev.comity.run;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comity.run.RunHealth.Facts;
import dev.comity.run.RunHealth.Level;
import dev.comity.run.RunHealth.Live;
import dev.comity.run.RunHealth.Standing;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

class RunHealthTest {
  private static final Instant THEN = Instant.parse("2026-01-02T03:04:05Z");

  private static RunHealth running(String phase, Standing... sites) {
    return RunHealth.of(
        new Facts(
            "RUNNING",
            null,
            THEN,
            null,
            5,
            2,
            0,
            new Live(3, false, phase, THEN, 3, List.of(sites))));
  }

  private static Standing site(String name, String state) {
    return new Standing(name, state, state.equals("REFUSED") ? "clip norm above 1" : null);
  }

  @Test
  void enoughSitesAtWorkIsOnCourse() {
    var health =
        running("TRAINING", site("a", "READY"), site("b", "TRAINING"), site("c", "TRAINING"));

    assertThat(health)
        .isEqualTo(
            new RunHealth(
                Level.ON_COURSE, "On course: round 3 of 5, 1 of 3 sites are ready.", THEN));
  }

  @Test
  void tooManySitesAwayHoldsTheRunUpAndNamesThem() {
    var health = running("TRAINING", site("a", "READY"), site("b", "PAUSED"), site("c", "LOST"));

    assertThat(health.level()).isEqualTo(Level.HELD_UP);
    assertThat(health.sentence())
        .isEqualTo("Held up: round 3 of 5 waits for 2 more; b is paused, c is lost.");
  }

  @Test
  void refusalsThatPutTheQuorumOutOfReachNeedAPerson() {
    var health =
        running("RECRUITING", site("a", "TRAINING"), site("b", "TRAINING"), site("c", "REFUSED"));

    assertThat(health.level()).isEqualTo(Level.NEEDS_YOU);
    assertThat(health.sentence())
        .isEqualTo(
            "Needs you: round 3 of 5 can reach 2 of the 3 sites it needs; c is refused (clip norm above 1).");
  }

  @Test
  void endsAreToldWithTheirReason() {
    var abandoned =
        RunHealth.of(new Facts("ABANDONED", "three rounds in a row.", THEN, THEN, 5, 2, 3, null));
    var completed = RunHealth.of(new Facts("COMPLETED", null, THEN, THEN, 5, 5, 0, null));
    var cancelled = RunHealth.of(new Facts("CANCELLED", null, THEN, THEN, 5, 1, 0, null));

    assertThat(abandoned.sentence())
        .startsWith("Abandoned after 2 of 5 rounds: three rounds in a row.");
    assertThat(completed.level()).isEqualTo(Level.COMPLETED);
    assertThat(cancelled.level()).isEqualTo(Level.CANCELLED);
  }
}
