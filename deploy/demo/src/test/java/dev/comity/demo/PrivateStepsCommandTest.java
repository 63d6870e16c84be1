package dev.comity.demo;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;

class PrivateStepsCommandTest {
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  @Test
  void everyModelIsMeasuredInEveryWayAndSample() {
    int exit = execute("private-steps", "--samples=3,8", "--turn=1", "--repeats=1");

    assertThat(err.toString()).isEmpty();
    assertThat(exit).isZero();
    String numbers = "( \\| [1-9][0-9,]*){3} \\| [0-9.]+ \\| [0-9.]+ \\|";
    var rows = out.toString().lines().skip(2).toList();
    assertThat(rows).hasSize(4);
    assertThat(rows.get(0)).matches("\\| logistic-regression\\(30,1\\) \\| 3" + numbers);
    assertThat(rows.get(3)).matches("\\| mlp\\(784,128,10\\) \\| 8" + numbers);
  }

  @Test
  void aSampleOfNothingIsRefused() {
    int exit = execute("private-steps", "--samples=0");

    assertThat(exit).isEqualTo(2);
    assertThat(err.toString()).contains("--samples 0: must be >= 1");
  }

  private int execute(String... arguments) {
    return BenchmarkCommand.commandLine()
        .setOut(new PrintWriter(out))
        .setErr(new PrintWriter(err))
        .execute(arguments);
  }
}
