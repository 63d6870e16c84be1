package dev.comity.round.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comity.plan.Digest;
import dev.comity.plan.Suite;
import dev.comity.run.RunHealth;
import dev.comity.run.RunReports.Delivery;
import dev.comity.run.RunReports.Lane;
import dev.comity.run.RunReports.PhaseSpan;
import dev.comity.run.RunReports.RoundSummary;
import dev.comity.run.RunReports.Segment;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What is told of a run that really ran.
class RunReportsTest {
  private static EmbeddedPostgres postgres;

  @TempDir private Path directory;

  @BeforeAll
  static void startDatabase() throws IOException {
    postgres = EmbeddedPostgres.start();
  }

  @AfterAll
  static void stopDatabase() throws IOException {
    postgres.close();
  }

  @Test
  void aCompletedRunTellsItsRoundsItsSessionsAndItsModel() throws Exception {
    try (var world = new TestWorld(postgres, directory, 4).startSites(0, 4)) {
      var run =
          world.submit(
              world
                  .federation()
                  .submission(
                      "told",
                      2,
                      4,
                      Duration.ofMinutes(2),
                      Duration.ofHours(1),
                      Suite.X25519_CHACHA20));
      world.running().awaitEnd(run);
      var reports = world.running().reports();

      var report = reports.run(run).orElseThrow();
      assertThat(report.health().level()).isEqualTo(RunHealth.Level.COMPLETED);
      assertThat(report.rounds().committed()).isEqualTo(2);
      assertThat(report.rounds().current()).isNull();
      assertThat(report.siteCounts()).containsExactlyEntriesOf(Map.of("SUMMED", 4));
      assertThat(report.metric()).isNotNull();
      assertThat(report.notMeasured()).isNull();
      assertThat(report.model()).isNotNull();
      assertThat(report.assumptions()).isNotNull();
      assertThat(report.assumptions().suite()).isEqualTo("x25519-chacha20");
      assertThat(report.attention()).isEmpty();
      assertThat(reports.runs()).extracting(summary -> summary.name()).contains("told");
      assertThat(reports.find("told").orElseThrow().run()).isEqualTo(run);

      var rounds = reports.rounds(run);
      assertThat(rounds).extracting(RoundSummary::round).containsExactly(1, 2, 3);
      assertThat(rounds)
          .extracting(RoundSummary::kind)
          .containsExactly("TRAIN", "TRAIN", "EVALUATE");
      assertThat(rounds).allSatisfy(round -> assertThat(round.survivors()).isEqualTo(4));

      var first = reports.round(run, 1).orElseThrow();
      assertThat(first.lanes()).hasSize(4);
      assertThat(first.lanes())
          .allSatisfy(lane -> {
            assertThat(lane.state()).isEqualTo("SUMMED");
            assertThat(lane.readyAt()).isNotNull();
            assertThat(lane.segments()).extracting(Segment::kind).contains("TRAINING", "READY");
          });
      assertThat(first.lanes()).extracting(Lane::site).isSorted();
      var session = first.sessions().getFirst();
      assertThat(session.n()).isEqualTo(4);
      assertThat(session.outcome()).isEqualTo("DONE");
      assertThat(session.certificate()).isNotNull();
      assertThat(session.phases())
          .extracting(PhaseSpan::phase)
          .containsExactly("ADVERTISING_KEYS", "SHARING_KEYS", "COLLECTING", "VOTING", "UNMASKING");
      assertThat(session.deliveries())
          .filteredOn(delivery -> delivery.phase().equals("MASKED_INPUT"))
          .hasSize(4)
          .extracting(Delivery::fraction)
          .containsOnly(1.0);
      assertThat(session.recovered()).isEmpty();
      assertThat(
              reports.session(Digest.ofValue(HexFormat.of().parseHex(session.id()))).orElseThrow())
          .isEqualTo(session);
      assertThat(reports.sites()).hasSize(4);
    }
  }
}
