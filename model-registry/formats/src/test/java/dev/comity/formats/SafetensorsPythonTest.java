package dev.comity.formats;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Both directions against the reference implementation. Needs a Python with `safetensors` and
/// `numpy`: `python3`, or the one that the environment variable COMITY_PYTHON names.
class SafetensorsPythonTest {
  private static final String PYTHON =
      Optional.ofNullable(System.getenv("COMITY_PYTHON")).orElse("python3");

  @TempDir private Path folder;

  @Test
  void pythonReadsWhatIsWrittenHereAndIsReadHere() throws Exception {
    if (run("-c", "import numpy, safetensors") != 0) {
      skip(PYTHON + " has no safetensors and numpy: pip install safetensors numpy");
    }
    var script = folder.resolve("double_every_tensor.py");
    try (var in = getClass().getResourceAsStream("double_every_tensor.py")) {
      Files.copy(Objects.requireNonNull(in), script);
    }
    var written = folder.resolve("written.safetensors");
    try (var out = Files.newOutputStream(written)) {
      new SafetensorsWriter()
          .metadata("round", "3")
          .tensor("bytes", ElementType.U8, List.of(3L), MemorySegment.ofArray(new byte[] {1, 2, 3}))
          .tensor("flags", ElementType.BOOL, List.of(2L), MemorySegment.ofArray(new byte[] {0, 1}))
          .floats("fc1.weight", List.of(2L, 2L), new float[] {0.5f, -1, 3, 0x1p-140f})
          .tensor("half", ElementType.F16, List.of(1L), MemorySegment.ofArray(new byte[] {0, 0x3c}))
          .tensor(
              "wide",
              ElementType.I64,
              List.of(),
              MemorySegment.ofArray(new byte[] {9, 0, 0, 0, 0, 0, 0, 0}))
          .writeTo(out);
    }
    var doubled = folder.resolve("doubled.safetensors");

    int status = run(script.toString(), written.toString(), doubled.toString());

    assertThat(status).as("%s", Files.readString(folder.resolve("python.log"))).isZero();

    var file = SafetensorsFile.open(doubled);
    assertThat(file.metadata()).isEqualTo(Map.of("round", "3", "writer", "python"));
    assertThat(file.floats("fc1.weight")).containsExactly(1, -2, 6, 0x1p-139f);
    assertThat(bytes(file, "bytes")).containsExactly(2, 4, 6);
    assertThat(bytes(file, "flags")).containsExactly(1, 0);
    assertThat(bytes(file, "half")).containsExactly(0, 0x40);
    assertThat(bytes(file, "wide")).containsExactly(18, 0, 0, 0, 0, 0, 0, 0);
    assertThat(file.tensors()).hasSize(5);
  }

  private static byte[] bytes(SafetensorsFile file, String name) {
    var bytes = file.data(file.tensor(name).orElseThrow());
    return bytes.toArray(ValueLayout.JAVA_BYTE);
  }

  /// Surefire keeps the reason of a skipped test to itself, so it is printed too.
  private static int skip(String reason) {
    System.out.println("SafetensorsPythonTest is skipped: " + reason);
    return Assumptions.abort(reason);
  }

  private int run(String... arguments) throws IOException, InterruptedException {
    var command = new ArrayList<String>();
    command.add(PYTHON);
    command.addAll(List.of(arguments));
    Process process;
    try {
      process =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(folder.resolve("python.log").toFile())
              .start();
    } catch (IOException e) {
      return skip(PYTHON + " cannot be started: " + e.getMessage());
    }
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).as("python ends within a minute").isTrue();
    return process.exitValue();
  }
}
