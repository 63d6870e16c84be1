package dev.comity.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HeartDiseaseCommandTest {
  @TempDir private Path folder;

  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  @Test
  void aShortRunOfTwoSeedsFillsTheTable() throws Exception {
    int exit =
        execute(
            "heart-disease",
            "--data=" + hospitals(),
            "--seeds=2",
            "--algorithms=fedavg",
            "--rounds=2",
            "--work=" + folder);

    assertThat(err.toString()).isEqualToIgnoringNewLines("fedavg done");
    assertThat(exit).isZero();
    assertThat(out.toString().lines().toList())
        .hasSize(3)
        .last()
        .asString()
        .matches(
            "\\| fedavg \\| 0\\.[3-9]\\d\\d ± 0\\.[0-2]\\d\\d \\| 0\\.685 ± 0\\.028"
                + " \\| 0\\.[3-9]\\d\\d ± 0\\.[0-2]\\d\\d \\| 0\\.748 ± 0\\.027 \\| – \\|");
    try (var left = Files.list(folder)) {
      assertThat(left).isEmpty();
    }
  }

  @Test
  void theSameSeedGivesTheSameWeightsBitForBitAndAnotherSeedOthers() throws Exception {
    var recipe = Recipe.named("heart-disease");
    var federation =
        new InProcessFederation(
            PlannedStudy.of(recipe.runFor("fedyogi")).withRounds(3),
            recipe.prepare(hospitals(), folder.resolve("hospitals")));

    float[] first = federation.train(4, folder.resolve("first"));
    float[] again = federation.train(4, folder.resolve("again"));
    float[] other = federation.train(5, folder.resolve("other"));

    assertThat(again).containsExactly(first);
    assertThat(other).isNotEqualTo(first);
  }

  @Test
  void whatIsWrongWithTheArgumentsIsSaidInOneLine() {
    assertThat(execute("heart-disease", "--data=" + folder, "--algorithms=fedsgd")).isEqualTo(2);
    assertThat(err.toString()).startsWith("--algorithms: 'fedsgd' is none of fedavg, fedprox");

    assertThat(execute("heart-disease", "--data=" + folder)).isEqualTo(2);
    assertThat(err.toString()).contains("processed.cleveland.data: no such file; take");
  }

  private int execute(String... arguments) {
    return BenchmarkCommand.commandLine()
        .setOut(new PrintWriter(out, true))
        .setErr(new PrintWriter(err, true))
        .execute(arguments);
  }

  private static Path hospitals() {
    var given = System.getenv("COMITY_TEST_DATA");
    var data = Path.of(given == null ? "none" : given);
    boolean present = Files.isDirectory(data.resolve("heart_disease"));
    if (!present) {
      System.out.println(
          "HeartDiseaseCommandTest skipped: COMITY_TEST_DATA names no folder with heart_disease");
    }
    assumeTrue(present);
    return data;
  }
}
