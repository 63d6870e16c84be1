package dev.comity.demo;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.json.JsonMapper;

class RoundTimesTest {
  private static final String JOURNAL =
      """
      [
        {"at": "2026-03-01T12:00:01Z", "kind": "SITE", "round": 1, "from": "TRAINING", "to": "READY"},
        {"at": "2026-03-01T12:00:03Z", "kind": "SITE", "round": 1, "from": "TRAINING", "to": "READY"},
        {"at": "2026-03-01T12:00:04Z", "kind": "SITE", "round": 1, "from": "READY", "to": "IN_SESSION"},
        {"at": "2026-03-01T12:00:07Z", "kind": "ROUND", "round": 1, "from": "AGGREGATING", "to": "COMMITTED"},
        {"at": "2026-03-01T12:00:09Z", "kind": "SITE", "round": 2, "from": "TRAINING", "to": "READY"},
        {"at": "2026-03-01T12:00:10Z", "kind": "ROUND", "round": 2, "from": "AGGREGATING", "to": "COMMITTED"},
        {"at": "2026-03-01T12:00:11Z", "kind": "SITE", "round": 3, "from": "TRAINING", "to": "READY"},
        {"at": "2026-03-01T12:00:31Z", "kind": "ROUND", "round": 3, "from": "AGGREGATING", "to": "COMMITTED"},
        {"at": "2026-03-01T12:00:32Z", "kind": "RUN", "round": null, "from": "RUNNING", "to": "COMPLETED"}
      ]
      """;

  @Test
  void anOverheadReachesFromTheLastReadyToTheCommitAndTheEvaluationIsNotCounted() {
    var times = RoundTimes.of(JsonMapper.shared().readTree(JOURNAL), 2);

    assertThat(times.overheads()).containsExactly(Duration.ofSeconds(1), Duration.ofSeconds(4));
    assertThat(times.firstCommit()).isEqualTo(Instant.parse("2026-03-01T12:00:07Z"));
  }
}
