package dev.comity.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DemoTest {
  private static final Path SUCCEEDS = Path.of("/bin/true");

  @TempDir Path temporary;

  /// A terminal that fails once the sites' folders are made.
  private static final class Broken extends PrintStream {
    Broken() {
      super(OutputStream.nullOutputStream());
    }

    @Override
    public void println(String line) {
      if (line.contains("The consortium made its key")) {
        throw new IllegalStateException("a defect");
      }
    }
  }

  @Test
  void nothingButTheLogsOutlivesADefect() throws Exception {
    var folder = temporary.resolve("work");
    var options =
        new DemoOptions(
            Optional.empty(),
            Optional.empty(),
            "fedavg",
            OptionalInt.empty(),
            OptionalInt.empty(),
            1,
            OptionalInt.empty(),
            new Fault.None(),
            OptionalInt.empty(),
            false,
            Optional.of(folder),
            temporary.resolve("out"),
            false);
    var programs = new Programs(SUCCEEDS, SUCCEEDS, SUCCEEDS, SUCCEEDS);

    assertThatThrownBy(() ->
            Demo.run(options, Study.choose(options), programs, new Terminal(new Broken(), false)))
        .hasMessage("a defect");

    try (var left = Files.list(folder)) {
      assertThat(left.toList()).isEqualTo(List.of(folder.toRealPath().resolve("logs")));
    }
  }
}
