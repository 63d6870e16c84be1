package dev.comity.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Each promise is broken once by code that lacks a defence, and the simulator sees it.
class InvariantsBiteTest {
  private static final long SEEDS = 60;

  @BeforeAll
  static void rememberSignatures() {
    MemoisedCryptography.install();
  }

  @AfterAll
  static void forgetSignatures() {
    MemoisedCryptography.uninstall();
  }

  @ParameterizedTest
  @EnumSource
  void aWeaknessIsCaughtByThePromiseThatItBreaks(Weakness weakness) {
    Set<Violation.Invariant> caught = EnumSet.noneOf(Violation.Invariant.class);

    LongStream.rangeClosed(1, SEEDS)
        .mapToObj(seed -> Simulation.run(seed, weakness.scenario, weakness.equipment))
        .flatMap(outcome -> outcome.violation().stream())
        .map(Violation::invariant)
        .takeWhile(_ -> !caught.contains(weakness.broken))
        .forEach(caught::add);

    assertThat(caught)
        .as("promises that %s breaks within %d seeds", weakness, SEEDS)
        .contains(weakness.broken);
  }

  @Test
  void everyPromiseIsBrokenByAWeakness() {
    assertThat(
            Arrays.stream(Weakness.values()).map(each -> each.broken).collect(Collectors.toSet()))
        .containsExactlyInAnyOrder(Violation.Invariant.values());
  }

  /// What a weakness breaks, the same seed keeps with the production code.
  @ParameterizedTest
  @EnumSource(
      names = {
        "HEADERS_UNREAD",
        "NEIGHBOURS_UNCOUNTED",
        "RELEASES_UNCOUNTED",
        "ABORT_FORGOTTEN",
        "ABORT_REFUSED",
        "EVENTS_UNSTORED"
      })
  void theProductionCodeKeepsThePromiseOnTheSameSeeds(Weakness weakness) {
    for (long seed = 1; seed <= 5; seed++) {
      assertThat(Simulation.run(seed, weakness.scenario, Equipment.SOUND).violation()).isEmpty();
    }
  }
}
