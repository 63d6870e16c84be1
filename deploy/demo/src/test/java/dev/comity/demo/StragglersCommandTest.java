package dev.comity.demo;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;

class StragglersCommandTest {
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  @Test
  void aShortRunFillsATableAndIsTheSameAgain() {
    String once = run("--threads=1");

    var rows = once.lines().filter(line -> line.matches("\\| \\d.*")).toList();
    assertThat(rows).hasSize(2);
    assertThat(rows.getLast()).matches("\\| 1( \\| \\d+\\.\\d{3}, [01]\\.\\d{3}){3} \\|");
    var cells = rows.getLast().split(" \\| ");
    assertThat(cells[1]).as("dropped beside kept").isNotEqualTo(cells[2]);
    assertThat(cells[2]).as("mu 0 beside mu 1").isNotEqualTo(cells[3]);
    assertThat(run("--threads=2")).isEqualTo(once);
  }

  @Test
  void whatIsOutOfBoundsIsRefusedWithTheBounds() {
    assertThat(execute("stragglers", "--stragglers=100")).isEqualTo(2);
    assertThat(err.toString()).contains("--stragglers 100: must be 0 to 95");
  }

  private String run(String threads) {
    out.getBuffer().setLength(0);
    assertThat(execute("stragglers", "--rounds=1", "--every=1", "--stragglers=90", threads))
        .isBetween(0, 1);
    return out.toString();
  }

  private int execute(String... arguments) {
    return BenchmarkCommand.commandLine()
        .setOut(new PrintWriter(out, true))
        .setErr(new PrintWriter(err, true))
        .execute(arguments);
  }
}
