package dev.comity.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SimulationTest {
  private static final int SEEDS = 1000;

  /// What a thousand seeds must come upon, or they would prove little.
  private static final List<String> MUST_HAPPEN =
      List.of(
          "a session reaches ABORTED",
          "a session reaches DONE",
          "a session reaches RELEASING",
          "a site answers ABORT_PROPOSAL",
          "a site answers CERTIFICATE",
          "a site answers RELEASE",
          "a site refuses: IN_DOUBT",
          "a site refuses: INCONSISTENT_VIEW",
          "a site refuses: LEFT",
          "a site refuses: MISMATCH",
          "a site refuses: MISSING_SHARES",
          "a site refuses: NOT_A_MEMBER",
          "a site refuses: REPLAYED_COUNTER",
          "a site refuses: SPENT",
          "a story reaches DONE",
          "answers asked for beside ABORT",
          "forks in COLLECTING",
          "forks in RELEASING",
          "forks in SHARING_KEYS",
          "forks in UNMASKING",
          "forks in VOTING",
          "mixed survivors",
          "sums",
          "survivors cut off");

  @BeforeAll
  static void rememberSignatures() {
    MemoisedCryptography.install();
  }

  @AfterAll
  static void forgetSignatures() {
    MemoisedCryptography.uninstall();
  }

  @Test
  void aThousandSeedsKeepEveryPromise() {
    Tally tally = new Tally();

    List<String> broken =
        LongStream.rangeClosed(1, SEEDS)
            .parallel()
            .mapToObj(seed -> {
              Simulation.Outcome outcome = Simulation.run(seed, 0);
              synchronized (tally) {
                tally.add(outcome.tally());
              }
              return outcome;
            })
            .flatMap(outcome ->
                outcome
                    .violation()
                    .map(found -> outcome.seed() + ": " + found.getMessage())
                    .stream())
            .toList();

    assertThat(broken).as("seeds with a broken promise").isEmpty();
    assertThat(MUST_HAPPEN)
        .as("what %d seeds came upon: %s", SEEDS, tally)
        .allMatch(what -> tally.of(what) > 0);
  }

  /// 1: an honest aggregator on a ring; 3: one that lies there; 136: a site whose disk is rolled
  /// back and that is revoked while the aggregator has no power; 420: one site is told another
  /// story.
  @ParameterizedTest
  @ValueSource(longs = {1, 3, 136, 420})
  void theSameSeedGivesTheSameTrace(long seed) {
    Simulation.Outcome first = Simulation.run(seed, 0);
    Simulation.Outcome second = Simulation.run(seed, 0);

    assertThat(first.violation()).isEmpty();
    assertThat(second.trace().lines()).isEqualTo(first.trace().lines()).hasSizeGreaterThan(20);
    assertThat(Simulation.run(seed + 1, 0).trace().lines()).isNotEqualTo(first.trace().lines());
  }

  @Test
  void aRevocationWhileTheAggregatorIsOffIsCarriedOutWhenItStarts() {
    Simulation.Outcome outcome = Simulation.run(136, 0);

    assertThat(outcome.trace().lines())
        .anyMatch(line -> line.contains("the consortium revokes site-00002"))
        .anyMatch(line -> line.contains("site-00002 was revoked"))
        .anyMatch(line -> line.contains("releases the sum of"));
    assertThat(outcome.violation()).isEmpty();
  }
}
