package dev.comity.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

class SimulateCommandTest {
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  @AfterEach
  void forgetSignatures() {
    MemoisedCryptography.uninstall();
  }

  private int run(Equipment equipment, String... arguments) {
    CommandLine line = SimulateCommand.commandLine(equipment);
    line.setOut(new PrintWriter(out));
    line.setErr(new PrintWriter(err));
    return line.execute(arguments);
  }

  @Test
  void seedsThatKeepTheirPromisesAreCountedAndExitZero() {
    int exit = run(Equipment.SOUND, "--seeds", "3", "--from", "5", "--sites", "4");

    assertThat(exit).isZero();
    assertThat(out.toString())
        .contains("a site answers KEYS")
        .endsWith("3 seeds, 0 with a broken promise\n");
  }

  @Test
  void aBrokenPromiseIsPrintedWithSeedPromiseTraceAndTheCommandToRepeatIt() {
    int exit = run(Weakness.DISK_FULL.equipment, "--seeds", "1", "--from", "7");

    assertThat(exit).isEqualTo(1);
    assertThat(out.toString())
        .contains(
            "0.000 s  seed 7: ",
            "VIOLATION NO_SURPRISE",
            "seed 7 breaks NO_SURPRISE: ",
            "again: simulate --from 7 --seeds 1 --sites 0 --trace\n",
            "1 seeds, 1 with a broken promise\n");
  }

  @Test
  void theTraceIsPrintedOnRequest() {
    run(Equipment.SOUND, "--seeds", "1", "--from", "1", "--trace");

    assertThat(out.toString()).contains("site-00000 ADVERTISE_KEYS in reply to DESCRIPTOR of ");
  }

  @ParameterizedTest
  @CsvSource({
    "--seeds=0, --seeds 0: must be >= 1",
    "--seeds=many, Invalid value for option '--seeds': 'many' is not a long",
    "--sites=3, --sites 3: must be 0 or 4 to 512",
    "--sites=513, --sites 513: must be 0 or 4 to 512",
    "--seed=1, Unknown option: '--seed=1'"
  })
  void aBadArgumentIsOneLineThatNamesTheLimit(String argument, String line) {
    int exit = run(Equipment.SOUND, argument);

    assertThat(exit).isEqualTo(CommandLine.ExitCode.USAGE);
    assertThat(err.toString().lines()).containsExactly(line + "; see simulate --help");
    assertThat(out.toString()).isEmpty();
  }

  @Test
  void helpNamesEveryOption() {
    int exit = run(Equipment.SOUND, "--help");

    assertThat(exit).isZero();
    assertThat(out.toString()).contains("--seeds", "--from", "--sites", "--trace");
  }
}
