package dev.comity.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.comity.agent.data.LocalDataset;
import dev.comity.agent.data.SiteMapping;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RecipeTest {
  @TempDir private Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"heart-disease", "synthetic", "synthetic-iid"})
  void everyRecipeHasSettingsForTheSixAlgorithms(String name) {
    var recipe = Recipe.named(name);

    assertThat(recipe.name()).isEqualTo(name);
    assertThat(recipe.algorithms())
        .containsOnlyKeys("fedavg", "fedprox", "fedavgm", "fedadam", "fedyogi", "fedadagrad");
    for (String algorithm : recipe.algorithms().keySet()) {
      var run = recipe.runFor(algorithm);
      assertThat(run.get("algorithm")).extracting("name").isEqualTo(algorithm);
      assertThat(run.get("training"))
          .asInstanceOf(InstanceOfAssertFactories.MAP)
          .containsKeys("batchSize", "learningRate");
      assertThat(run)
          .containsKeys("study", "purpose", "architecture", "rounds", "clipNorm", "dataContract");
    }
    assertThatThrownBy(() -> recipe.runFor("fedsgd"))
        .isInstanceOf(RecipeException.class)
        .hasMessageContaining("has no settings for 'fedsgd'");
  }

  @Test
  void aRecipeThatDoesNotExistIsRefusedWithThoseThatDo() {
    assertThatThrownBy(() -> Recipe.named("heart"))
        .hasMessage(
            "recipe 'heart' does not exist; there are heart-disease, synthetic and synthetic-iid");
  }

  @Test
  void anUnknownOrMissingKeyIsRefusedByName() throws Exception {
    String synthetic = resource("synthetic");

    assertThatThrownBy(() -> read(synthetic.replace("title:", "extra: 1\ntitle:")))
        .isInstanceOf(RecipeException.class)
        .hasMessageContaining("recipe.yaml: extra: Unrecognized property");
    assertThatThrownBy(() -> read(synthetic.replaceAll("title:.*\n", "")))
        .hasMessageContaining("recipe.yaml: title: Missing creator property");
    assertThatThrownBy(() -> read(synthetic.replace("alpha:", "alfa:")))
        .hasMessageContaining("recipe.yaml: data.alpha: Missing creator property");
    assertThatThrownBy(() -> read(synthetic + "run: {}\n")).hasMessageContaining("uplicate");
    assertThatThrownBy(() -> read("\tname: x")).hasMessageContaining("recipe.yaml: line ");
  }

  @Test
  void aGeneratedFederationHasTheDataContractOfItsRun() {
    var recipe = Recipe.named("synthetic");

    var sites = recipe.prepare(folder, folder.resolve("sites"));

    assertThat(sites).hasSize(5);
    for (var site : sites) {
      assertThat(contract(SiteMapping.read(site.mapping())))
          .isEqualTo(recipe.run().get("dataContract"));
    }
  }

  @Test
  void theNumberOfGeneratedSitesCanBeChosen() {
    var three = Recipe.named("synthetic").withSites(3);

    assertThat(three.prepare(folder, folder.resolve("sites"))).hasSize(3);
    assertThatThrownBy(() -> Recipe.named("heart-disease").withSites(3))
        .isInstanceOf(RecipeException.class)
        .hasMessage("recipe heart-disease has the sites of its data; leave out --sites");
  }

  @Test
  void theHeartRecipeMapsThePublishedFiles() {
    var given = System.getenv("COMITY_TEST_DATA");
    if (given == null) {
      System.out.println("RecipeTest skipped the published files: COMITY_TEST_DATA is not set");
    }
    assumeTrue(given != null);

    var sites = Recipe.named("heart-disease").prepare(Path.of("" + given), folder.resolve("sites"));

    assertThat(sites)
        .extracting(site -> LocalDataset.read(SiteMapping.read(site.mapping())).train().count())
        .containsExactly(199, 172, 30, 85);
  }

  @Test
  void publishedFilesAreCopiedToEachSiteWithItsMapping() throws Exception {
    var recipe = heartWithChecksumsOf(hearts(), "split");

    var sites = recipe.prepare(folder.resolve("published"), folder.resolve("sites"));

    assertThat(sites).extracting(SiteFolder::site).containsExactly("cleveland", "va");
    for (var site : sites) {
      var mapping = SiteMapping.read(site.mapping());
      assertThat(contract(mapping)).isEqualTo(recipe.run().get("dataContract"));
      assertThat(mapping.source().files())
          .containsExactly(site.folder().resolve("data").resolve(site.site() + ".data"));
      var data = LocalDataset.read(mapping);
      assertThat(data.train().count()).isEqualTo(3);
      assertThat(data.test().count()).isEqualTo(2);
    }
  }

  @Test
  void withoutTheSplitListAFractionIsDrawn() throws Exception {
    var published = hearts();
    var recipe = heartWithChecksumsOf(published, "split");
    Files.delete(published.resolve("split"));

    var site = recipe.prepare(published, folder.resolve("sites")).getFirst();

    assertThat(SiteMapping.read(site.mapping()).split())
        .isEqualTo(new SiteMapping.SplitRule.Fraction(0.34, 43));
    assertThat(site.folder().resolve("data/split")).doesNotExist();
  }

  @Test
  void aMissingOrChangedFileIsRefusedWithItsSource() throws Exception {
    var published = hearts();
    var recipe = heartWithChecksumsOf(published, "split");

    Files.writeString(published.resolve("va.data"), "changed");
    assertThatThrownBy(() -> recipe.prepare(published, folder.resolve("sites")))
        .isInstanceOf(RecipeException.class)
        .hasMessageContaining(published.resolve("va.data") + ": SHA-256 is")
        .hasMessageContaining("https://archive.ics.uci.edu/dataset/45/heart+disease");
    Files.delete(published.resolve("va.data"));
    assertThatThrownBy(() -> recipe.prepare(published, folder.resolve("sites")))
        .hasMessageContaining(published.resolve("va.data") + ": no such file")
        .hasMessageContaining("--data");
  }

  /// Files of the published form with made-up rows: sites cleveland and va and a split list.
  private Path hearts() throws IOException {
    var published = folder.resolve("published/heart_disease");
    Files.createDirectories(published);
    for (String site : List.of("cleveland", "va")) {
      Files.writeString(
          published.resolve(site + ".data"),
          IntStream.rangeClosed(1, 6)
              .mapToObj(i ->
                  "%d,1,%d,120,%s,0,%d,150,0,.5,?,?,?,%d"
                      .formatted(40 + i, 1 + i % 4, i == 4 ? "?" : "200", i % 3, i % 2))
              .collect(Collectors.joining("\n")));
    }
    Files.writeString(
        published.resolve("split"),
        "center,site,line_in_file,set,label\n"
            + IntStream.rangeClosed(1, 6)
                .mapToObj(i ->
                    "0,cleveland,%1$d,%2$s,0\n3,va,%1$d,%2$s,0\n"
                        .formatted(i, i % 2 == 0 ? "train" : i == 1 ? "train" : "test"))
                .collect(Collectors.joining()));
    return published;
  }

  /// The heart-disease recipe for the files in `published`.
  private Recipe heartWithChecksumsOf(Path published, String split) throws Exception {
    var sha256 = MessageDigest.getInstance("SHA-256");
    var checksums = new StringBuilder("checksums:\n");
    try (var files = Files.list(published)) {
      for (var file : files.toList()) {
        checksums
            .append("      ")
            .append(file.getFileName())
            .append(": '")
            .append(HexFormat.of().formatHex(sha256.digest(Files.readAllBytes(file))))
            .append("'\n");
      }
    }
    return read(
        resource("heart-disease")
            .replaceAll("(?s)checksums: # SHA-256.*?    sites:", checksums + "    sites:")
            .replaceAll("      - \\{site: (hungarian|switzerland).*\n", "")
            .replace("processed.", "")
            .replace("flamby_split.csv", split));
  }

  private Recipe read(String yaml) throws IOException {
    var file = folder.resolve("recipe.yaml");
    Files.writeString(file, yaml);
    return Recipe.read(file);
  }

  private static String resource(String name) throws IOException {
    try (var content = RecipeTest.class.getResourceAsStream("/recipes/" + name + ".yaml")) {
      assertThat(content).isNotNull();
      return new String(content.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  private static Map<String, Object> contract(SiteMapping mapping) {
    return Map.of("features", mapping.contract().features(), "label", mapping.contract().label());
  }
}
