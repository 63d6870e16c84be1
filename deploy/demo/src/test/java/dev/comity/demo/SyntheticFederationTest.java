package dev.comity.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.comity.agent.data.LocalDataset;
import dev.comity.agent.data.SiteMapping;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SyntheticFederationTest {
  @TempDir private Path folder;

  @Test
  void anEqualSeedWritesEqualFilesHoweverManySitesThereAre() throws Exception {
    var two = SyntheticFederation.write(folder.resolve("two"), 2, 0.5, 0.5, 7);
    var three = SyntheticFederation.write(folder.resolve("three"), 3, 0.5, 0.5, 7);
    var other = SyntheticFederation.write(folder.resolve("other"), 2, 0.5, 0.5, 8);

    for (int site = 0; site < 2; site++) {
      assertThat(rows(two.get(site))).isEqualTo(rows(three.get(site)));
      assertThat(rows(two.get(site))).isNotEqualTo(rows(other.get(site)));
    }
    assertThat(rows(three.get(2))).isNotEqualTo(rows(three.get(1)));
  }

  @Test
  void everySiteHasMoreThanFiftyRowsThatItsMappingReads() {
    for (var site : SyntheticFederation.write(folder, 4, 1, 1, 3)) {
      var data = LocalDataset.read(SiteMapping.read(site.mapping()));

      assertThat(data.train().width()).isEqualTo(60);
      assertThat(data.train().count() + data.test().count()).isGreaterThanOrEqualTo(50);
      assertThat(IntStream.of(data.train().labels())).allMatch(label -> label < 10);
    }
  }

  @Test
  void featuresSpreadAsTheRuleSays() {
    double first = 0;
    double last = 0;
    var sites = SyntheticFederation.write(folder, 6, 0, 0, 1);
    for (var site : sites) {
      var rows = LocalDataset.read(SiteMapping.read(site.mapping())).train();
      first += variance(rows.features(), 0) / sites.size();
      last += variance(rows.features(), 59) / sites.size();
    }

    // Σ_jj = j^−1.2: 1 and 0.00735
    assertThat(first).isBetween(0.85, 1.15);
    assertThat(last).isBetween(0.0063, 0.0085);
  }

  @Test
  void aSpreadBelowZeroAndNoSitesAreRefused() {
    assertThatThrownBy(() -> SyntheticFederation.write(folder, 1, -1, 0, 1))
        .hasMessageContaining("alpha -1.0");
    assertThatThrownBy(() -> SyntheticFederation.write(folder, 0, 1, 0, 1))
        .hasMessageContaining("sites must be >= 1");
  }

  private static double variance(float[] features, int column) {
    List<Double> values = new ArrayList<>();
    for (int i = column; i < features.length; i += 60) {
      values.add((double) features[i]);
    }
    double mean = values.stream().mapToDouble(value -> value).average().orElseThrow();
    return values.stream().mapToDouble(value -> (value - mean) * (value - mean)).sum()
        / (values.size() - 1);
  }

  private static String rows(SiteFolder site) throws Exception {
    return Files.readString(site.folder().resolve("data/rows.csv"));
  }
}
