package dev.comity.agent.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LocalDatasetTest {
  private static final String MAPPING =
      """
      source:
        files: [rows.csv]
        header: true
        missing: ['?', '']
      features:
        - numeric: age
        - oneHot: {column: cp, categories: [1, 2, 3], dropFirst: true}
      label: {column: num, positiveAbove: 0}
      split: {file: {path: split.csv, where: {site: va}, line: line, set: set}}
      standardise: false
      """;
  private static final String ROWS =
      """
      id,age,cp,unused,num
      a,60,1.0,?,0
      b,50,2,?,2
      c,?,2,?,1
      d,40,3,,1
      e,.5,1,?,0
      f,70,1,x,0
      """;
  private static final String SPLIT =
      """
      site,line,set
      va,2,train
      va,3,test
      other,5,test
      va,4,train
      va,5,train
      va,6,test
      """;

  @TempDir private Path folder;

  @Test
  void rowsAreMappedAndSplitByTheListedLines() throws Exception {
    var data = read(MAPPING, ROWS, SPLIT);

    assertThat(data.train().features()).containsExactly(60, 0, 0, 40, 0, 1);
    assertThat(data.train().labels()).containsExactly(0, 1);
    assertThat(data.test().features()).containsExactly(50, 1, 0, .5f, 0, 0);
    assertThat(data.test().labels()).containsExactly(1, 0);
    assertThat(data.dropped()).isEqualTo(1); // c; an empty cell in an unused column is no matter
  }

  @Test
  void aDrawnSplitKeepsItsShareItsSeedAndEveryRow() throws Exception {
    var rows = new StringBuilder("age,cp,num\n");
    for (int i = 0; i < 40; i++) {
      rows.append(i).append(",1,").append(i % 2).append('\n');
    }
    String mapping = MAPPING.replaceAll("split: .*", "split: {fraction: {test: 0.25, seed: 7}}");

    var data = read(mapping, rows.toString(), SPLIT);
    var again = read(mapping, rows.toString(), SPLIT);
    var other = read(mapping.replace("seed: 7", "seed: 8"), rows.toString(), SPLIT);

    assertThat(data.test().count()).isEqualTo(10);
    var all = data.train().followedBy(data.test());
    float[] ages = new float[40];
    for (int i = 0; i < 40; i++) {
      ages[i] = all.feature(i, 0);
    }
    Arrays.sort(ages);
    for (int i = 0; i < 40; i++) {
      assertThat(ages[i]).isEqualTo(i);
    }
    assertThat(again.test().features()).isEqualTo(data.test().features());
    assertThat(other.test().features()).isNotEqualTo(data.test().features());
  }

  @Test
  void bothSidesAreScaledByTheTrainStatistics() throws Exception {
    var data = read(MAPPING.replace("standardise: false", "standardise: true"), ROWS, SPLIT);

    // ages 60 and 40: mean 50, standard deviation √200 with divisor n − 1
    assertThat(data.train().feature(0, 0)).isCloseTo((float) (10 / Math.sqrt(200)), within(1e-6f));
    assertThat(data.train().feature(1, 0)).isCloseTo((float) (-10 / Math.sqrt(200)), within(1e-6f));
    assertThat(data.test().feature(0, 0)).isZero();
    assertThat(data.train().feature(0, 1)).isZero(); // a constant column
    assertThat(data.test().feature(0, 1)).isCloseTo(1e9f, within(100f)); // (1 − 0) / 10⁻⁹
    assertThat(data.rawTrain().feature(0, 0)).isEqualTo(60);
    assertThat(data.rawTest().feature(0, 0)).isEqualTo(50);
  }

  @Test
  void constantsOfTheStudyScaleBothSidesWhateverTheRows() throws Exception {
    String constants =
        MAPPING.replace("numeric: age", "numeric: {column: age, center: 50, scale: 20}");

    var data = read(constants, ROWS, SPLIT);
    var fewer = read(constants, ROWS.replace("d,40,3,,1\n", ""), SPLIT);

    assertThat(data.train().features()).containsExactly(.5f, 0, 0, -.5f, 0, 1);
    assertThat(data.test().feature(0, 0)).isZero();
    assertThat(fewer.train().feature(0, 0)).isEqualTo(data.train().feature(0, 0));
  }

  @Test
  void labelTextsAndClassNumbersAreMapped() throws Exception {
    String texts = MAPPING.replace("positiveAbove: 0", "equals: {positive: M, negative: B}");
    String rows = "age,cp,num\n1,1,M\n2,1,B\n3,1,M\n4,1,M\n";
    String split = "site,line,set\nva,2,train\nva,3,train\nva,4,test\n";

    assertThat(read(texts, rows, split).train().labels()).containsExactly(1, 0);
    assertThat(
            read(
                    MAPPING.replace("positiveAbove: 0", "classIndex: 3"),
                    rows.replace("M", "2").replace("B", "1.0"),
                    split)
                .train()
                .labels())
        .containsExactly(2, 1);
  }

  @Test
  void aCellThatIsNoNumberIsRefusedByFileLineAndColumnWithoutItsValue() {
    refuses(
        () -> read(MAPPING, ROWS.replace("b,50,", "b,fifty,"), SPLIT),
        folder.resolve("rows.csv") + ": line 3, column 2 (age): not a number");
    refuses(
        () -> read(MAPPING, ROWS.replace("b,50,", "b,NaN,"), SPLIT),
        folder.resolve("rows.csv") + ": line 3, column 2 (age): not a finite number");
    refuses(
        () -> read(MAPPING, ROWS.replace("d,40,3", "d,40,77"), SPLIT),
        folder.resolve("rows.csv")
            + ": line 5, column 3 (cp): none of the 3 categories that the mapping lists");
    assertThatThrownBy(() -> read(MAPPING, ROWS.replace("d,40,3", "d,40,77"), SPLIT))
        .satisfies(refused ->
            assertThat(refused.toString().replace(folder.toString(), "")).doesNotContain("77"));
  }

  @Test
  void aLabelOutsideTheClassesIsRefused() {
    refuses(
        () -> read(MAPPING.replace("positiveAbove: 0", "classIndex: 2"), ROWS, SPLIT),
        folder.resolve("rows.csv")
            + ": line 3, column 5 (num): outside the classes 0..1 that the mapping names");
    refuses(
        () ->
            read(
                MAPPING.replace("positiveAbove: 0", "equals: {positive: 1, negative: 0}"),
                ROWS,
                SPLIT),
        folder.resolve("rows.csv")
            + ": line 3, column 5 (num): neither of the two label texts that the mapping names");
  }

  @Test
  void aMissingColumnALineOfAnotherLengthAndAMissingFileAreRefused() throws Exception {
    refuses(
        () -> read(MAPPING, ROWS.replace("id,age", "id,years"), SPLIT),
        folder.resolve("rows.csv") + ": no column 'age'; the file has id, years, cp, unused, num");
    refuses(
        () -> read(MAPPING, ROWS.replace("b,50,", "b,5,0,"), SPLIT),
        folder.resolve("rows.csv") + ": line 3: has 6 columns, 5 are expected");
    refuses(
        () -> read(MAPPING, "", SPLIT),
        folder.resolve("rows.csv") + ": line 1: the header line is missing");
    refuses(
        () -> read(MAPPING.replace("rows.csv", "none.csv"), ROWS, SPLIT),
        folder.resolve("none.csv") + ": no such file");
  }

  @Test
  void aCellWithoutAnEndIsRefusedByTheLineBeforeIt() {
    refuses(
        () -> read(MAPPING, ROWS + "g,\"" + "1".repeat(20_000_000), SPLIT),
        folder.resolve("rows.csv")
            + ": not well-formed CSV after line 7: check quotes and the length of cells");
  }

  @Test
  void bytesThatAreNotUtf8AreNoMatterInAColumnThatIsNotUsed() throws Exception {
    read(MAPPING, ROWS, SPLIT);
    Files.write(
        folder.resolve("rows.csv"),
        ROWS.replace("a,60", "ä,60").getBytes(StandardCharsets.ISO_8859_1));

    assertThat(LocalDataset.read(SiteMapping.read(folder.resolve("mapping.yaml"))).train().count())
        .isEqualTo(2);
  }

  @Test
  void aSplitFileWithAWrongWordOrLineIsRefused() {
    refuses(
        () -> read(MAPPING, ROWS, SPLIT.replace("va,3,test", "va,3,tset")),
        folder.resolve("split.csv") + ": line 3, column 3 (set): neither train nor test");
    refuses(
        () -> read(MAPPING, ROWS, SPLIT.replace("va,3,test", "va,2,test")),
        folder.resolve("split.csv") + ": line 3, column 2 (line): this line is listed twice");
    refuses(
        () -> read(MAPPING, ROWS, SPLIT.replace("va,3,test", "va,0,test")),
        folder.resolve("split.csv") + ": line 3, column 2 (line): not a line number");
  }

  @Test
  void aSplitThatLeavesOneSideEmptyIsRefused() {
    refuses(
        () -> read(MAPPING, ROWS, SPLIT.replace("test", "train")),
        folder.resolve("mapping.yaml") + ": split: leaves no complete row for the test");
    refuses(
        () -> read(MAPPING, ROWS, SPLIT.replace("va,", "nowhere,")),
        folder.resolve("mapping.yaml") + ": split: leaves no complete row for training");
  }

  @Test
  void nothingTellsHowManyRowsThereAre() throws Exception {
    assertThat(read(MAPPING, ROWS, SPLIT)).hasToString("LocalDataset[Rows[width 3]]");
  }

  private static void refuses(ThrowingCallable call, String message) {
    assertThatThrownBy(call).isInstanceOf(DataRefusedException.class).hasMessage(message);
  }

  private LocalDataset read(String mapping, String rows, String split) throws IOException {
    Files.writeString(folder.resolve("rows.csv"), rows);
    Files.writeString(folder.resolve("split.csv"), split);
    var file = folder.resolve("mapping.yaml");
    Files.writeString(file, mapping);
    return LocalDataset.read(SiteMapping.read(file));
  }
}
