package dev.comity.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import picocli.CommandLine;

class ScaleCommandTest {
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  @AfterEach
  void forget() {
    MemoisedCryptography.uninstall();
  }

  private int run(String... arguments) {
    CommandLine line = SimulateCommand.commandLine(Equipment.SOUND);
    line.setOut(new PrintWriter(out));
    line.setErr(new PrintWriter(err));
    String[] all = new String[arguments.length + 1];
    all[0] = "scale";
    System.arraycopy(arguments, 0, all, 1, arguments.length);
    return line.execute(all);
  }

  @ParameterizedTest
  @EnumSource
  void eachRateIsReportedWithItsSumHoweverTheBulkAnswers(ScaleRun.Bulk bulk) {
    int exit =
        run("--sites=10", "--coordinates=50", "--drop-outs=0,20", "--sample=1", "--bulk=" + bulk);

    assertThat(exit).isZero();
    assertThat(out.toString())
        .contains(
            "0 % drop out: sum of 10 sites, equal to the plain sum",
            "20 % drop out: sum of 8 sites, equal to the plain sum");
  }

  @ParameterizedTest
  @CsvSource({
    "--sites=10001, SPARING, --sites 10001: must be 8 to 10000",
    "--sites=3001, WHOLE, --sites 3001: must be 8 to 3000",
    "--sample=0, LIGHT, --sample 0: must be 1 to 500",
    "--drop-outs=41, SPARING, --drop-outs 41: must be 0 to 40"
  })
  void aBadArgumentNamesTheLimit(String argument, String bulk, String line) {
    int exit = run(argument, "--bulk=" + bulk);

    assertThat(exit).isEqualTo(CommandLine.ExitCode.USAGE);
    assertThat(err.toString()).startsWith(line);
  }

  @Test
  void helpSaysWhatTheBulkLeavesOut() {
    assertThat(run("--help")).isZero();
    assertThat(out.toString()).contains("WHOLE", "LIGHT", "SPARING");
  }
}
