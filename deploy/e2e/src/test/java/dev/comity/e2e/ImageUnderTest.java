package dev.comity.e2e;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// An image as Jib wrote it, unpacked, whose programs run in Linux namespaces: as an ordinary user,
/// on a root that nobody can write to. Needs no container engine.
final class ImageUnderTest {
  private static final Path ENTER =
      Path.of("src/test/resources/enter-image.sh").toAbsolutePath().normalize();
  private static final int LIMIT_SECONDS = 900;

  private final Path root;
  private final JsonNode config;

  /// How a command ended, and what it printed.
  record Ended(int code, String output) {}

  private ImageUnderTest(Path root, JsonNode config) {
    this.root = root;
    this.config = config;
  }

  /// Whether this machine lets this user make the namespaces that are needed.
  static boolean possible(Path folder) throws IOException, InterruptedException {
    var output = folder.resolve("namespaces");
    var probe =
        command("unshare", "--user", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "none")
            .redirectErrorStream(true)
            .redirectOutput(output.toFile());
    probe.command().add(Files.createDirectories(folder.resolve("mounted")).toString());
    try {
      return await(probe.start(), output).code() == 0;
    } catch (IOException _) {
      return false; // there is no unshare
    }
  }

  /// Unpacks the layers of a docker-archive into `folder`, which is made.
  static ImageUnderTest unpack(Path archive, Path folder) throws IOException, InterruptedException {
    var packed = Files.createDirectories(folder.resolve("packed"));
    var root = Files.createDirectories(folder.resolve("root"));
    untar(archive, packed);
    var manifest = JsonMapper.shared().readTree(packed.resolve("manifest.json")).path(0);
    for (var layer : manifest.path("Layers")) {
      untar(packed.resolve(layer.asString()), root);
      Files.delete(packed.resolve(layer.asString()));
    }
    var config = JsonMapper.shared().readTree(packed.resolve(manifest.path("Config").asString()));
    return new ImageUnderTest(root, config.path("config"));
  }

  private static void untar(Path archive, Path folder) throws IOException, InterruptedException {
    var output = folder.resolveSibling("tar.out");
    var ended =
        await(
            command("tar", "--no-same-owner", "-xf", archive.toString(), "-C", folder.toString())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start(),
            output);
    if (ended.code() != 0) {
      throw new AssertionError("tar of " + archive + ": " + ended.output());
    }
  }

  /// What the image says of itself: user, entry point, environment, labels.
  JsonNode config() {
    return config;
  }

  Path root() {
    return root;
  }

  /// Starts the image's entry point; its output goes to a file.
  ///
  /// @param state the volume, writable
  /// @param secrets at `/run/secrets`, read-only
  Process start(Path state, Path secrets, Path output, List<String> arguments) throws IOException {
    var line = command("unshare", "--user", "--map-root-user", "--mount", "bash");
    line.command().add(ENTER.toString());
    for (var folder : List.of(root, state, secrets)) {
      line.command().add(folder.toString());
    }
    for (var variable : config.path("Env")) {
      line.command().add(variable.asString());
    }
    line.command().add("--");
    for (var word : config.path("Entrypoint")) {
      line.command().add(word.asString());
    }
    line.command().addAll(arguments);
    return line.redirectErrorStream(true).redirectOutput(output.toFile()).start();
  }

  /// Runs the image's entry point to its end.
  Ended run(Path state, Path secrets, String... arguments)
      throws IOException, InterruptedException {
    var output = Files.createTempFile(root.resolveSibling("."), "run", ".out");
    return await(start(state, secrets, output, List.of(arguments)), output);
  }

  static ProcessBuilder command(String... words) {
    return new ProcessBuilder(new ArrayList<>(List.of(words)));
  }

  static Ended await(Process process, Path output) throws IOException, InterruptedException {
    try {
      if (!process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS)) {
        throw new AssertionError(
            "still running after %d s: %s".formatted(LIMIT_SECONDS, Files.readString(output)));
      }
      return new Ended(process.exitValue(), Files.readString(output, StandardCharsets.UTF_8));
    } finally {
      process.destroyForcibly();
    }
  }
}
