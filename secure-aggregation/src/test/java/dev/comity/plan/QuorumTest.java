package dev.comity.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class QuorumTest {
  @ParameterizedTest
  @CsvSource({
    "3, 1, 2, 3, 3, 0",
    "4, 1, 3, 3, 4, 0",
    "4, 1, 2, 3, 3, 1",
    "5, 1, 3, 4, 4, 1",
    "5, 1, 2, 4, 4, 1",
    "10, 3, 3, 7, 7, 3",
    "20, 4, 3, 13, 13, 7",
    "100, 20, 3, 61, 61, 39",
    "500, 100, 3, 301, 301, 199"
  })
  void agreesWithThePublishedTable(
      int n, int nC, int minHonest, int threshold, int minSurvivors, int dropOuts) {
    Quorum quorum = Quorum.check(n, nC, minHonest);

    assertThat(quorum.threshold()).isEqualTo(threshold);
    assertThat(quorum.minSurvivors()).isEqualTo(minSurvivors);
    assertThat(quorum.dropOuts()).isEqualTo(dropOuts);
  }

  @Test
  void threeSitesWithoutPrivacyAreRefusedWithTheNumberThatWouldDo() {
    assertThatThrownBy(() -> Quorum.check(3, 1, 3))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "3 sites at nC 1 and minHonest 3: a sum needs 4 survivors (minSurvivors); take at least 4 sites or lower nC");
  }

  @Test
  void twoThresholdSetsShareAnHonestSiteAndASumKeepsItsHonestSites() {
    for (int n = 1; n <= 200; n++) {
      for (int nC = 0; nC <= 60; nC++) {
        for (int minHonest = 2; minHonest <= 3; minHonest++) {
          Quorum quorum = new Quorum(n, nC, minHonest);

          assertThat(2 * quorum.threshold()).isGreaterThan(n + nC);
          assertThat(2 * (quorum.threshold() - 1)).isLessThanOrEqualTo(n + nC);
          assertThat(quorum.minSurvivors() - nC).isGreaterThanOrEqualTo(minHonest);
        }
      }
    }
  }

  @Test
  void theLeastNumberOfSitesIsReachableAndOneFewerIsNot() {
    for (int nC = 0; nC <= 120; nC++) {
      for (int minHonest = 2; minHonest <= 3; minHonest++) {
        int least = Quorum.leastSites(nC, minHonest);

        assertThat(new Quorum(least, nC, minHonest).reachable()).isTrue();
        assertThat(new Quorum(least - 1, nC, minHonest).reachable()).isFalse();
      }
    }
  }

  @Test
  void onceReachableEveryLargerRosterIs() {
    for (int n = Quorum.leastSites(5, 3); n < 600; n++) {
      assertThat(new Quorum(n, 5, 3).reachable()).isTrue();
    }
  }

  @ParameterizedTest
  @CsvSource({"0, 1, 3, a roster of 0", "5, -1, 3, nC -1", "5, 1, 1, minHonest 1"})
  void refusesNumbersWithoutMeaning(int n, int nC, int minHonest, String sentence) {
    assertThatThrownBy(() -> new Quorum(n, nC, minHonest))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(sentence);
  }
}
