package dev.comity.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// The demo as its user runs it, in real processes.
class DemoIT {
  @TempDir private Path temporary;
  private Path folder;

  @BeforeEach
  void resolveLinks() throws Exception {
    folder = temporary.toRealPath();
  }

  @AfterEach
  void noProcessIsLeft() {
    assertThat(DemoProcess.processesIn(folder)).isEmpty();
  }

  @Test
  void fiveSitesLearnAModelTogetherFromOneCommand() throws Exception {
    try (var demo = DemoProcess.start(folder, List.of("--rounds", "2"))) {

      int exit = demo.awaitEnd();

      assertThat(exit).as(demo.output()).isZero();
      assertThat(demo.output())
          .contains("admitted all 5 sites in one signed epoch", "version 2", "site-5")
          .containsPattern("v2 +[0-9a-f]{16}  round 2, sum over [45] sites")
          .containsPattern("v0 +[0-9a-f]{16}  initial values from the seed");
      var model = folder.resolve("comity-demo-out/synthetic-fedavg-v2.safetensors");
      assertThat(tensorNames(model)).contains("linear.weight", "linear.bias");
      assertThat(workFolders()).isEmpty();
    }
  }

  @Test
  void aSiteThatIsKilledInARoundComesBackAndTheRunIsCompleted() throws Exception {
    try (var demo = DemoProcess.start(folder, List.of("--rounds", "3", "--kill-site", "2"))) {

      int exit = demo.awaitEnd();

      assertThat(exit).as(demo.output()).isZero();
      assertThat(demo.output())
          .contains("kill -9: the agent of site-2, in round 2", "The run is complete", "version 3");
    }
  }

  @Test
  void anAggregatorThatIsKilledInARoundGoesOnWhereItWas() throws Exception {
    try (var demo = DemoProcess.start(folder, List.of("--rounds", "3", "--kill-aggregator"))) {

      int exit = demo.awaitEnd();

      assertThat(exit).as(demo.output()).isZero();
      assertThat(demo.output())
          .contains("kill -9: the aggregator, in round 2", "The run is complete", "version 3");
    }
  }

  @Test
  void ctrlCLeavesNeitherProcessNorFolder() throws Exception {
    try (var demo = DemoProcess.start(folder, List.of("--rounds", "50"))) {
      demo.awaitLine("round 1 of 50");
      assertThat(DemoProcess.processesIn(folder)).hasSizeGreaterThan(6);

      demo.interrupt();

      assertThat(demo.awaitEnd()).isEqualTo(130);
      assertThat(DemoProcess.processesIn(folder)).isEmpty();
      assertThat(workFolders()).isEmpty();
    }
  }

  @Test
  void fourHospitalsLearnTogetherOnRealData() throws Exception {
    var data = System.getenv("COMITY_TEST_DATA");
    if (data == null) {
      System.out.println(
          "DemoIT: the heart-disease recipe is skipped, COMITY_TEST_DATA is not set");
    }
    assumeTrue(data != null);
    var options = List.of("--recipe", "heart-disease", "--data", data, "--rounds", "2");
    try (var demo = DemoProcess.start(folder, options)) {

      int exit = demo.awaitEnd();

      assertThat(exit).as(demo.output()).isZero();
      assertThat(demo.output())
          .contains("none may drop out", "cleveland", "hungarian", "switzerland", "va")
          .containsPattern("v2 +[0-9a-f]{16}  round 2, sum over 4 sites");
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--rounds 0                                  | --rounds 0: must be >= 1",
        "--algorithm sgd                             | --algorithm sgd: must be one of fedavg",
        "--recipe unknown --data .                   | recipe 'unknown' does not exist",
        "--recipe heart-disease                      | needs --data DIR",
        "--recipe heart-disease --data . --sites 5   | recipe heart-disease has 4 sites",
        "--sites 3                                   | a sum needs 4 contributors",
        "--n-c 3                                     | a sum needs 6 contributors",
        "--kill-site 6                               | --kill-site 6: must be 1 to 5",
        "--data .                                    | needs --recipe",
        "--frobnicate                                | Unknown option: '--frobnicate'",
      })
  void optionsThatDoNotFitAreRefusedBeforeAnythingStarts(String options, String words)
      throws Exception {
    try (var demo =
        DemoProcess.start(folder, List.of(Pattern.compile(" +").split(options.strip())))) {

      int exit = demo.awaitEnd();

      assertThat(exit).as(demo.output()).isEqualTo(2);
      assertThat(demo.output()).contains(words);
      assertThat(workFolders()).isEmpty();
    }
  }

  private List<Path> workFolders() throws Exception {
    try (var entries = Files.list(folder)) {
      return entries
          .filter(entry -> entry.getFileName().toString().startsWith("comity-demo-"))
          .filter(entry -> !entry.endsWith("comity-demo-out"))
          .toList();
    }
  }

  /// The header of a safetensors file.
  private static String tensorNames(Path file) throws Exception {
    var content = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    int length = Math.toIntExact(content.getLong());
    return new String(content.array(), Long.BYTES, length, StandardCharsets.UTF_8);
  }
}
