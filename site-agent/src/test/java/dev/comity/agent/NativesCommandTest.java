package dev.comity.agent;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// `natives`, as a user runs it: in a process of its own, since a library loads once.
class NativesCommandTest {
  @TempDir private Path folder;

  private record Result(int code, String output) {}

  @Test
  void whatWasUnpackedIsWhatIsLoadedAndNothingElseIsWritten() throws Exception {
    Path natives = folder.resolve("natives");
    var extracted = AgentCommandLine.run("natives", "extract", natives.toString());
    assertThat(extracted.exitCode()).describedAs(extracted.err()).isZero();
    assertThat(natives.resolve("torch/libdjl_torch.so")).exists();
    List<String> options = extracted.out().lines().filter(line -> line.startsWith("-D")).toList();
    assertThat(options).hasSize(2);
    Path home = Files.createDirectory(folder.resolve("home"));
    Path temporary = Files.createDirectory(folder.resolve("tmp"));

    var checked = java(options, home, temporary, "natives", "check");

    assertThat(checked.code()).describedAs(checked.output()).isZero();
    assertThat(checked.output())
        .contains("PyTorch", "from " + natives.resolve("torch/libtorch_cpu.so"))
        .contains("BoringSSL", "from " + natives.resolve("tls/libnetty_tcnative_linux_x86_64.so"));
    assertThat(files(home)).isEmpty();
    assertThat(files(temporary)).isEmpty();
  }

  @Test
  void aLibraryThatCannotBeLoadedIsNamedWithTheRemedy() throws Exception {
    Path broken = Files.createDirectory(folder.resolve("broken"));
    for (String library : List.of("libtorch.so", "libtorch_cpu.so", "libdjl_torch.so")) {
      Files.writeString(broken.resolve(library), "no library");
    }

    var checked =
        java(List.of("-DPYTORCH_LIBRARY_PATH=" + broken), folder, folder, "natives", "check");

    assertThat(checked.code()).isEqualTo(1);
    assertThat(checked.output())
        .contains("PyTorch cannot be loaded", "natives extract DIR", "-DPYTORCH_LIBRARY_PATH")
        .doesNotContain("\tat ");
  }

  private Result java(List<String> options, Path home, Path temporary, String... arguments)
      throws IOException, InterruptedException {
    var line = new ArrayList<String>();
    line.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    line.addAll(List.of("-Xmx256m", "--add-modules", "jdk.incubator.vector"));
    line.add("--enable-native-access=ALL-UNNAMED");
    line.add("-Duser.home=" + home);
    line.add("-Djava.io.tmpdir=" + temporary);
    line.add("-XX:-UsePerfData");
    line.addAll(options);
    line.addAll(List.of("-cp", System.getProperty("java.class.path")));
    line.add(AgentApplication.class.getName());
    line.addAll(List.of(arguments));
    Path output = folder.resolve("output");
    var builder =
        new ProcessBuilder(line).redirectErrorStream(true).redirectOutput(output.toFile());
    builder.environment().remove("DJL_CACHE_DIR");
    var process = builder.start();
    try {
      assertThat(process.waitFor(2, TimeUnit.MINUTES)).isTrue();
    } finally {
      process.destroyForcibly();
    }
    return new Result(process.exitValue(), Files.readString(output, StandardCharsets.UTF_8));
  }

  private static List<Path> files(Path root) throws IOException {
    try (var all = Files.walk(root)) {
      return all.filter(Files::isRegularFile).toList();
    }
  }
}
