package dev.comity.aggregator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.comity.round.FederationAuthority;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;

/// What a start refuses and what it goes on with.
class StartTest {
  private static final String KEY = "ab".repeat(32);

  @TempDir private Path directory;

  @Test
  void withoutADatabaseTheStartIsRefusedWithTheRemedy() throws Exception {
    var refused = run("--comity.federation=north", "--comity.consortium-key=" + KEY);

    assertThat(refused.code()).isNotZero();
    assertThat(refused.output())
        .contains("No database is configured.")
        .contains("Set spring.datasource.url", "comity.database=embedded")
        .doesNotContain("\tat ");
  }

  @Test
  void anUnknownKeyIsNamedWithoutItsValue() throws Exception {
    var file = directory.resolve("application.properties");
    Files.writeString(
        file,
        """
        comity.federation=north
        comity.consortium-key=%s
        comity.database=embedded
        comity.data-folder=hush-hush
        """
            .formatted(KEY));

    var refused = run("--spring.config.location=classpath:/application.yml,file:" + file);

    assertThat(refused.code()).isNotZero();
    assertThat(refused.output())
        .contains("Unknown configuration key comity.data-folder in")
        .contains("application.properties", "comity.data-dir")
        .doesNotContain("hush-hush");
  }

  @Test
  void aMissingFederationAndConsortiumKeyAreNamedTogether() throws Exception {
    var refused = run("--comity.database=embedded");

    assertThat(refused.code()).isNotZero();
    assertThat(refused.output()).contains("comity.federation", "comity.consortiumKey");
  }

  @Test
  void aConsortiumKeyThatIsNeitherFileNorFingerprintIsRefused() throws Exception {
    var refused =
        run(
            "--comity.federation=north",
            "--comity.consortium-key=nowhere.pub",
            "--comity.database=embedded",
            "--comity.data-dir=" + directory);

    assertThat(refused.code()).isNotZero();
    assertThat(refused.output()).contains("\"nowhere.pub\" is neither a file nor a fingerprint");
  }

  @Test
  void theHelpNamesEveryKey() throws Exception {
    var helped = run("--help");

    assertThat(helped.code()).isZero();
    for (var component : ComityProperties.class.getRecordComponents()) {
      var key = component.getName().replaceAll("([A-Z])", "-$1").toLowerCase(Locale.ROOT);
      assertThat(helped.output()).containsPattern("--comity\\." + key + "[.=]");
    }
  }

  @Test
  void healthTellsARunningAggregatorFromNone() throws Exception {
    try (var federation = TestFederation.start(directory)) {
      var port =
          "--comity.rest.port="
              + federation.context.getEnvironment().getProperty("local.server.port");

      var ready = run("health", "--comity.data-dir=" + directory, port);
      assertThat(ready.output()).contains("ready");
      assertThat(ready.code()).isZero();

      var elsewhere = run("health", "--comity.data-dir=" + directory.resolve("none"), port);
      assertThat(elsewhere.code()).isEqualTo(1);
      assertThat(elsewhere.output()).contains("no answer from https://localhost:", "ca.crt");
    }
  }

  @Test
  void theNativeLibrariesLoad() throws Exception {
    var checked = run("natives");

    assertThat(checked.output()).contains("ND4J CpuBackend", "TLS BoringSSL");
    assertThat(checked.code()).isZero();
  }

  @Test
  void everyKeyButTwoHasADefault() {
    var properties =
        new Binder(
                new MapConfigurationPropertySource(
                    Map.of("comity.federation", "north", "comity.consortium-key", KEY)))
            .bind("comity", ComityProperties.class)
            .get();

    assertThat(properties)
        .isEqualTo(
            new ComityProperties(
                "north",
                KEY,
                Path.of("comity-data"),
                null,
                null,
                new ComityProperties.Rest(8443),
                new ComityProperties.Grpc(9443),
                "127.0.0.1",
                "localhost"));
  }

  @Test
  void theEmbeddedDatabaseWantsItsPasswordAndIsAdoptedWhenItSurvivedItsStarter() throws Exception {
    var first = EmbeddedPostgres.start(directory);
    try {
      assertThat(
              PosixFilePermissions.toString(
                  Files.getPosixFilePermissions(directory.resolve("password"))))
          .isEqualTo("rw-------");
      assertThatExceptionOfType(SQLException.class)
          .isThrownBy(() -> DriverManager.getConnection(first.url(), first.user(), "guess").close())
          .satisfies(refusal -> assertThat(refusal.getSQLState()).isEqualTo("28P01"));
      write(first, "create table kept (n integer); insert into kept values (7)");

      var adopted = EmbeddedPostgres.start(directory);

      assertThat(adopted.url()).isEqualTo(first.url());
      assertThat(read(adopted)).isEqualTo(7);
    } finally {
      first.close();
    }
    assertThat(directory.resolve("cluster/postmaster.pid")).doesNotExist();
  }

  @Test
  void aStalePostmasterFileOfAnotherProcessDoesNotStopAStart() throws Exception {
    var first = EmbeddedPostgres.start(directory);
    write(first, "create table kept (n integer); insert into kept values (8)");
    first.close();
    Files.writeString(
        directory.resolve("cluster/postmaster.pid"),
        "%d\n%s\n0\n1\n".formatted(ProcessHandle.current().pid(), directory.resolve("cluster")));

    var second = EmbeddedPostgres.start(directory);

    try {
      assertThat(read(second)).isEqualTo(8);
    } finally {
      second.close();
    }
  }

  @Test
  void aStalePostmasterFileOfAnotherPostgresDoesNotStopAStart(@TempDir Path elsewhere)
      throws Exception {
    var first = EmbeddedPostgres.start(directory);
    write(first, "create table kept (n integer); insert into kept values (9)");
    first.close();
    var other = EmbeddedPostgres.start(elsewhere);
    try {
      Files.copy(
          elsewhere.resolve("cluster/postmaster.pid"), directory.resolve("cluster/postmaster.pid"));

      var second = EmbeddedPostgres.start(directory);

      try {
        assertThat(read(second)).isEqualTo(9);
      } finally {
        second.close();
      }
    } finally {
      other.close();
    }
  }

  @Test
  void aRestartedAggregatorKeepsItsIdentityAndItsAccount() throws Exception {
    var federation = TestFederation.start(directory);
    var before = federation.send("GET", "/api/v1/federation", "").body();
    var password = federation.password();

    try (var again = federation.restarted()) {
      var after = again.send("GET", "/api/v1/federation", "").body();

      assertThat(after.get("messageKey")).isEqualTo(before.get("messageKey"));
      assertThat(after.get("caPin")).isEqualTo(before.get("caPin"));
      assertThat(again.password()).isEqualTo(password);
      assertThat(again.signIn().cookies()).contains("__Host-comity=");
    }
  }

  @Test
  void theFederationsEpochRisesAndStaysAndNeverFalls() throws Exception {
    TestFederation.start(directory).close();
    var raised = TestFederation.start(directory, "--comity.federation-epoch=3");
    var epoch = raised.context.getBean(FederationAuthority.class).epoch();
    raised.close();

    assertThat(epoch).isEqualTo(3);
    var refused =
        run(
            "--comity.federation=" + TestFederation.NAME.value(),
            "--comity.consortium-key=" + KEY,
            "--comity.database=embedded",
            "--comity.data-dir=" + directory,
            "--comity.rest.port=0",
            "--comity.grpc.port=0",
            "--comity.federation-epoch=2");
    assertThat(refused.code()).isNotZero();
    assertThat(refused.output())
        .contains("comity.federation-epoch 2 is below the stored epoch 3")
        .contains("Remove comity.federation-epoch")
        .doesNotContain("\tat ");
    try (var again = raised.restarted()) {
      assertThat(again.context.getBean(FederationAuthority.class).epoch()).isEqualTo(3);
    }
  }

  private static void write(EmbeddedPostgres database, String statement) throws SQLException {
    try (var connection =
            DriverManager.getConnection(database.url(), database.user(), database.password());
        var sql = connection.createStatement()) {
      sql.execute(statement);
    }
  }

  private static int read(EmbeddedPostgres database) throws SQLException {
    try (var connection =
            DriverManager.getConnection(database.url(), database.user(), database.password());
        var sql = connection.createStatement();
        var row = sql.executeQuery("select n from kept")) {
      assertThat(row.next()).isTrue();
      return row.getInt(1);
    }
  }

  private record Ended(int code, String output) {}

  /// The aggregator as its own process, which must end by itself.
  private Ended run(String... arguments) throws IOException, InterruptedException {
    var output = directory.resolve("output.txt");
    List<String> line =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx256m",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                AggregatorApplication.class.getName()));
    line.addAll(List.of(arguments));
    var process =
        new ProcessBuilder(line)
            .directory(directory.toFile())
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    try {
      assertThat(process.waitFor(120, TimeUnit.SECONDS)).as("ends by itself").isTrue();
    } finally {
      process.destroyForcibly();
    }
    return new Ended(process.exitValue(), Files.readString(output));
  }
}
