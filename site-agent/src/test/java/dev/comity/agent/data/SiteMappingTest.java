package dev.comity.agent.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.comity.plan.Architecture;
import dev.comity.plan.DataContract;
import dev.comity.plan.Digest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SiteMappingTest {
  private static final String MAPPING =
      """
      source:
        files: [a.csv, sub/b.csv]
        header: false
        columns: [age, cp, num]
        delimiter: ';'
        missing: ['?', '']
      features:
        - numeric: age
        - oneHot: {column: cp, categories: [1, 2, 3], dropFirst: true}
      label: {name: disease, column: num, positiveAbove: 0}
      split: {fraction: {test: 0.25, seed: 7}}
      standardise: false
      """;

  @TempDir private Path folder;

  @Test
  void everyKeyIsRead() throws Exception {
    var mapping = read(MAPPING);

    assertThat(mapping.source())
        .isEqualTo(
            new SiteMapping.Source(
                List.of(folder.resolve("a.csv"), folder.resolve("sub/b.csv")),
                false,
                List.of("age", "cp", "num"),
                ';',
                Set.of("?", "")));
    assertThat(mapping.features())
        .containsExactly(
            new SiteMapping.Feature.Numeric("age"),
            new SiteMapping.Feature.OneHot("cp", List.of("1", "2", "3"), true));
    assertThat(mapping.label())
        .isEqualTo(
            new SiteMapping.Label("disease", "num", new SiteMapping.LabelRule.PositiveAbove(0)));
    assertThat(mapping.split()).isEqualTo(new SiteMapping.SplitRule.Fraction(0.25, 7));
    assertThat(mapping.standardise()).isFalse();
    assertThat(mapping.contract())
        .isEqualTo(new DataContract(List.of("age", "cp=2", "cp=3"), "disease", 2));
  }

  @Test
  void aSplitFileAndTheOtherLabelRulesAreRead() throws Exception {
    var listed =
        read(
            MAPPING
                .replace("[a.csv, sub/b.csv]", "[a.csv]")
                .replace(
                    "{fraction: {test: 0.25, seed: 7}}",
                    "{file: {path: s.csv, where: {site: va}, line: line_in_file, set: set}}")
                .replace("positiveAbove: 0", "classIndex: 4"));

    assertThat(listed.split())
        .isEqualTo(
            new SiteMapping.SplitRule.Listed(
                folder.resolve("s.csv"), Map.of("site", "va"), "line_in_file", "set"));
    assertThat(listed.label().rule()).isEqualTo(new SiteMapping.LabelRule.ClassIndex(4));
    assertThat(read(MAPPING.replace("positiveAbove: 0", "equals: {positive: M, negative: B}")))
        .extracting(mapping -> mapping.label().rule())
        .isEqualTo(new SiteMapping.LabelRule.Equals("M", "B"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "standardise: false|standardize: false|standardize: unknown key; allowed here: features,",
        "numeric: age|numerical: age|features[0].numerical: unknown key; allowed here: numeric",
        "numeric: age|numeric: years|features[0].numeric: no column 'years'; source.columns has age",
        "numeric: age|numeric: {column: age, scale: 9}|features[0].numeric.center: is missing",
        "numeric: age|numeric: {column: age, center: 1, scale: 0}|features[0].numeric.scale: must be > 0",
        "numeric: age|numeric: {column: age, center: x, scale: 9}|features[0].numeric.center: must be a number",
        "numeric: age|numeric: {column: age, center: 1, scale: 9, by: 2}|features[0].numeric.by: unknown key",
        "column: num|column: target|label.column: no column 'target'",
        "dropFirst: true|dropFirst: 1|features[1].oneHot.dropFirst: must be true or false",
        "[1, 2, 3]|[1, 1, 3]|features[1].oneHot.categories: lists a category twice",
        "test: 0.25|test: 25|split.fraction.test: must lie between 0 and 1",
        "test: 0.25|test: some|split.fraction.test: must be a number",
        "seed: 7|seed: 7.5|split.fraction.seed: must be a whole number",
        ", seed: 7||split.fraction.seed: is missing",
        "header: false|header: true|source.columns: must be absent with header: true",
        "delimiter: ';'|delimiter: ';;'|source.delimiter: must be one character",
        "positiveAbove: 0|classIndex: 1|label.classIndex: must be a number of classes",
        ", positiveAbove: 0||label: must have one of positiveAbove, equals and classIndex",
        "disease, column: num|disease, column: num, classIndex: 2|label: must have one of positiveAbove",
        "[a.csv, sub/b.csv]|[]|source.files: must name at least one file",
        "[age, cp, num]|[age, age, num]|source.columns[1]: 'age' is named twice",
      })
  void aWrongKeyOrValueIsRefusedByFileAndKey(String right, String wrong, String message) {
    String yaml = MAPPING.replace(right, wrong == null ? "" : wrong);

    assertThat(yaml).isNotEqualTo(MAPPING);
    assertThatThrownBy(() -> read(yaml))
        .isInstanceOf(DataRefusedException.class)
        .hasMessageStartingWith(folder.resolve("mapping.yaml") + ": ")
        .hasMessageContaining(message);
  }

  @Test
  void constantsOfTheStudyScaleAColumnAndStandInTheContract() throws Exception {
    var mapping =
        read(
            MAPPING.replace(
                "numeric: age", "numeric: {column: age, center: 54.50, scale: 1.0e-1}"));

    assertThat(mapping.features().getFirst())
        .isEqualTo(new SiteMapping.Feature.Numeric("age", 54.5, 0.1));
    assertThat(mapping.contract().features()).containsExactly("(age - 54.5) / 0.1", "cp=2", "cp=3");
    var other = MAPPING.replace("numeric: age", "numeric: {column: age, center: 54, scale: 0.1}");
    refuses(
        read(other),
        mapping.contract().digest(),
        logistic(3, 1),
        "names and order of the features");
  }

  @Test
  void constantsThatChangeNothingGiveTheColumnItsOwnName() throws Exception {
    var mapping =
        read(MAPPING.replace("numeric: age", "numeric: {column: age, center: 0, scale: 1}"));

    assertThat(mapping.contract()).isEqualTo(read(MAPPING).contract());
  }

  @Test
  void constantsThatTheSitesOwnStatisticsWouldUndoAreRefused() {
    assertThatThrownBy(() ->
            read(
                MAPPING
                    .replace("numeric: age", "numeric: {column: age, center: 54, scale: 9}")
                    .replace("standardise: false", "standardise: true")))
        .isInstanceOf(DataRefusedException.class)
        .hasMessageContaining(
            "standardise: this site's own statistics would undo center and scale");
  }

  @Test
  void aFileThatIsMissingOrNotYamlIsRefused() {
    assertThatThrownBy(() -> SiteMapping.read(folder.resolve("none.yaml")))
        .hasMessage(folder.resolve("none.yaml") + ": no such file");
    assertThatThrownBy(() -> read("source: [unclosed"))
        .hasMessageContaining("not well-formed YAML at line");
    assertThatThrownBy(() -> read(MAPPING + "standardise: true\n"))
        .hasMessageContaining("not well-formed YAML at line 13");
    assertThatThrownBy(() -> read("just a text")).hasMessageContaining("(root): must be a map");
  }

  @Test
  void aFeatureThatIsBuiltTwiceIsRefused() {
    assertThatThrownBy(
            () -> read(MAPPING.replace("- numeric: age", "- numeric: age\n  - numeric: age")))
        .hasMessageContaining("features: age is built twice");
  }

  @Test
  void aStudyThatAsksForWhatTheMappingBuildsIsAccepted() throws Exception {
    var mapping = read(MAPPING);
    var contract = new DataContract(List.of("age", "cp=2", "cp=3"), "disease", 2);

    mapping.check(contract.digest(), logistic(3, 1));
    mapping.check(contract.digest(), logistic(3, 2));
  }

  @Test
  void aStudyThatAsksForOtherDataIsRefusedWithTheDifference() throws Exception {
    var mapping = read(MAPPING);
    var own = mapping.contract().digest();
    var renamed = new DataContract(List.of("age", "cp=3", "cp=2"), "disease", 2).digest();

    refuses(mapping, own, logistic(4, 1), "builds 3 features, the study's model");
    refuses(mapping, own, logistic(3, 5), "has 2 classes, the study's model");
    refuses(mapping, renamed, logistic(3, 1), "names and order of the features");
  }

  private static void refuses(
      SiteMapping mapping, Digest contract, Architecture architecture, String message) {
    assertThatThrownBy(() -> mapping.check(contract, architecture))
        .isInstanceOf(DataRefusedException.class)
        .hasMessageContaining(message);
  }

  private static Architecture logistic(int inputs, int outputs) {
    return new Architecture(Architecture.LOGISTIC_REGRESSION, List.of(inputs, outputs));
  }

  private SiteMapping read(String yaml) throws IOException {
    var file = folder.resolve("mapping.yaml");
    Files.writeString(file, yaml);
    return SiteMapping.read(file);
  }
}
