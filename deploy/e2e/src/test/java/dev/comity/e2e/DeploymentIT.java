package dev.comity.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.yaml.snakeyaml.Yaml;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// The files that describe how the programs run, held against the tools that read them.
final class DeploymentIT {
  private static final Path DEPLOY = Path.of("").toAbsolutePath().resolve("..").normalize();
  private static final Path COMPOSE = DEPLOY.resolve("compose.yaml");

  @TempDir private Path folder;

  @Test
  void everyServiceIsShutInAndOnlyTheAggregatorIsPublishedOnLoopback() throws IOException {
    var services = merged(COMPOSE).path("services");

    assertThat(services.propertyNames())
        .containsExactlyInAnyOrder(
            "postgres", "aggregator", "accra", "cotonou", "dakar", "kigali", "lome");
    services
        .properties()
        .forEach(entry -> {
          var name = entry.getKey();
          var service = entry.getValue();
          assertThat(service.path("read_only").asBoolean()).as(name).isTrue();
          assertThat(service.path("cap_drop").path(0).asString()).as(name).isEqualTo("ALL");
          assertThat(service.path("security_opt").path(0).asString())
              .as(name)
              .isEqualTo("no-new-privileges:true");
          assertThat(service.path("tmpfs").path(0).asString()).as(name).contains("noexec");
          assertThat(service.has("healthcheck")).as(name).isTrue();
          assertThat(service.path("environment").propertyNames())
              .as(name)
              .noneMatch(variable -> variable.endsWith("PASSWORD"));
          if (name.equals("aggregator")) {
            assertThat(service.path("ports")).hasSize(2);
            service
                .path("ports")
                .forEach(port -> assertThat(port.asString()).startsWith("127.0.0.1:"));
          } else {
            assertThat(service.has("ports")).as(name).isFalse();
          }
        });
  }

  @Test
  void everySecretOfAServiceIsDeclaredAndEverySecretIsUsed() throws IOException {
    var compose = merged(COMPOSE);
    Set<String> used = new HashSet<>();
    compose
        .path("services")
        .forEach(service ->
            service
                .path("secrets")
                .forEach(secret ->
                    used.add(
                        secret.isString() ? secret.asString() : secret.path("source").asString())));

    assertThat(compose.path("secrets").propertyNames()).containsExactlyInAnyOrderElementsOf(used);
  }

  @Test
  void composeTakesTheFile() throws Exception {
    var probe = run("docker", "compose", "version");
    if (probe.code() != 0) {
      skip("\"docker compose\" is not installed: deploy/compose.yaml was not shown to it");
    }

    var checked = run("docker", "compose", "-f", COMPOSE.toString(), "config", "--quiet");

    assertThat(checked.code()).describedAs(checked.output()).isZero();
  }

  @ParameterizedTest
  @ValueSource(strings = {"comity-site-agent.service", "comity-aggregator.service"})
  void systemdTakesTheUnitAndFindsItShutIn(String name) throws Exception {
    if (run("systemd-analyze", "--version").code() != 0) {
      skip("systemd-analyze is not installed: " + name + " was not shown to it");
    }
    var unit = folder.resolve(name);
    Files.writeString(
        unit,
        Files.readString(DEPLOY.resolve("systemd").resolve(name))
            .replace(
                "/opt/comity/java/bin/java",
                Path.of(System.getProperty("java.home"), "bin", "java").toString()));

    var verified = run("systemd-analyze", "verify", "--man=no", unit.toString());

    assertThat(verified.output()).isEmpty();
    assertThat(verified.code()).isZero();
    var rated =
        run("systemd-analyze", "security", "--offline=true", "--threshold=20", unit.toString());
    assertThat(rated.code()).describedAs(rated.output()).isZero();
  }

  /// A YAML file with its merge keys applied.
  private static JsonNode merged(Path file) throws IOException {
    return JsonMapper.shared().valueToTree(new Yaml().<Object>load(Files.readString(file)));
  }

  private ImageUnderTest.Ended run(String... words) throws InterruptedException, IOException {
    var output = Files.createTempFile(folder, "command", ".out");
    try {
      return ImageUnderTest.await(
          ImageUnderTest.command(words)
              .redirectErrorStream(true)
              .redirectOutput(output.toFile())
              .start(),
          output);
    } catch (IOException e) {
      return new ImageUnderTest.Ended(127, String.valueOf(e.getMessage()));
    }
  }

  private static void skip(String reason) {
    System.out.println("DeploymentIT skipped: " + reason);
    abort(reason);
  }
}
