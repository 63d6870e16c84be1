package dev.comity.agent.training;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Fifty processes that train are killed as a power cut kills them, at points drawn from a fixed
/// seed: half of them with differential privacy.
class TrainingKillIT {
  private static final int KILLS = 25;
  private static final int MOST_STEPS = 12;

  @TempDir private Path folder;

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aTrainingKilledAtTwentyFiveRandomPointsEndsWithTheSameBits(boolean privately)
      throws Exception {
    float[] undisturbed =
        KilledTraining.train(
            folder.resolve("undisturbed"), privately, Duration.ofHours(1), PauseGate.alwaysOpen());
    var random = new Random(privately ? 11 : 10);

    for (int kill = 0; kill < KILLS; kill++) {
      killAfter(1 + random.nextInt(MOST_STEPS), privately);
      assertThat(folder.resolve("delta")).as("after kill %d", kill).doesNotExist();
    }
    Process last = start(privately);
    last.getInputStream().transferTo(OutputStream.nullOutputStream());

    assertThat(last.waitFor()).isZero();
    assertThat(Files.readAllBytes(folder.resolve("delta")))
        .isEqualTo(KilledTraining.bytes(undisturbed));
  }

  private void killAfter(int steps, boolean privately) throws Exception {
    Process process = start(privately);
    try (var out = process.inputReader()) {
      for (int step = 0; step < steps; step++) {
        assertThat(out.readLine()).isEqualTo("step");
      }
      process.destroyForcibly().waitFor();
    }
  }

  private Process start(boolean privately) throws IOException {
    return new ProcessBuilder(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx256m",
                "-XX:TieredStopAtLevel=1",
                "--add-modules",
                "jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty(
                    "surefire.test.class.path", System.getProperty("java.class.path")),
                KilledTraining.class.getName(),
                folder.toString(),
                String.valueOf(privately)))
        .redirectError(ProcessBuilder.Redirect.DISCARD)
        .start();
  }
}
