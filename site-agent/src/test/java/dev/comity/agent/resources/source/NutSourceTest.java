package dev.comity.agent.resources.source;

import static dev.comity.agent.resources.source.Readings.reading;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class NutSourceTest {
  private static final Duration TIMEOUT = Duration.ofSeconds(10);

  @TempDir Path folder;
  private Upsd upsd;

  @BeforeEach
  void start() throws IOException {
    upsd = new Upsd();
  }

  @AfterEach
  void stop() throws IOException {
    upsd.close();
  }

  @Test
  void flagsAndNumbersOfAUpsAreReadings() throws Exception {
    upsd.variables =
        Map.of(
            "ups.status", "OB DISCHRG LB",
            "battery.charge", "17",
            "battery.runtime", "240.5",
            "device.model", "Smart \"UPS\" 1500 \\ rack",
            "ups.firmware", "1e999");

    var readings = source(Optional.empty()).read();

    assertThat(reading(readings, "online").value()).isZero();
    assertThat(reading(readings, "onBattery").value()).isEqualTo(1);
    assertThat(reading(readings, "lowBattery").value()).isEqualTo(1);
    assertThat(reading(readings, "forcedShutdown").value()).isZero();
    assertThat(reading(readings, "battery.charge").value()).isEqualTo(17);
    assertThat(reading(readings, "battery.charge").observedAt()).isEqualTo(42);
    assertThat(reading(readings, "battery.runtime").value()).isEqualTo(240.5);
    assertThat(readings).doesNotContainKeys("device.model", "ups.firmware", "ups.status");
    assertThat(upsd.awaitGoodbye()).containsExactly("LIST VAR main", "LOGOUT");
  }

  @Test
  void theGridAndAForcedShutdownAreTold() throws Exception {
    upsd.variables = Map.of("ups.status", "FSD OL CHRG");

    var readings = source(Optional.empty()).read();

    assertThat(reading(readings, "online").value()).isEqualTo(1);
    assertThat(reading(readings, "forcedShutdown").value()).isEqualTo(1);
  }

  @Test
  void aUpsThatTellsNoStatusHasNoFlags() throws Exception {
    upsd.variables = Map.of("battery.charge", "50");

    assertThat(source(Optional.empty()).read()).containsOnlyKeys("battery.charge");
  }

  @Test
  void anUpsdThatAsksForALoginGetsTheOneInTheFile() throws Exception {
    upsd.variables = Map.of("ups.status", "OL");
    upsd.password = "pass \"word\"";
    Path login = secret("monitor\npass \"word\"\n");

    assertThat(reading(source(Optional.of(Credentials.password(login))).read(), "online").value())
        .isEqualTo(1);
    assertThatThrownBy(
            () -> source(Optional.of(Credentials.password(secret("monitor\nwrong\n")))).read())
        .isInstanceOf(IOException.class)
        .hasMessage("upsd answers ERR ACCESS-DENIED for main")
        .hasMessageNotContaining("wrong");
  }

  @Test
  void staleDataAndAnUnknownUpsAreFailures() {
    upsd.error = "ERR DATA-STALE";
    assertThatThrownBy(() -> source(Optional.empty()).read())
        .isInstanceOf(IOException.class)
        .hasMessage("upsd answers ERR DATA-STALE for main");
    upsd.error = "ERR UNKNOWN-UPS";
    assertThatThrownBy(() -> source(Optional.empty()).read()).hasMessageContaining("UNKNOWN-UPS");
    upsd.error = "HTTP/1.1 400 Bad Request";
    assertThatThrownBy(() -> source(Optional.empty()).read())
        .hasMessage("upsd speaks something else than its protocol");
  }

  @Test
  void anUpsdThatFallsSilentIsLeftAtTheTimeout() {
    upsd.silent = true;
    var source =
        new NutSource(
            "127.0.0.1", upsd.port(), "main", Optional.empty(), Duration.ofMillis(200), () -> 42);

    assertThatThrownBy(source::read)
        .isInstanceOf(IOException.class)
        .hasMessage("upsd does not answer within 200 ms");
  }

  @Test
  void anUpsdThatNeverEndsIsLeft() {
    upsd.babbling = true;

    assertThatThrownBy(() -> source(Optional.empty()).read())
        .isInstanceOf(IOException.class)
        .hasMessageContaining("more than");
  }

  @Test
  void anUpsdThatIsNotThereIsAFailure() throws Exception {
    upsd.close();

    assertThatThrownBy(() -> source(Optional.empty()).read()).isInstanceOf(IOException.class);
  }

  @Test
  void credentialsThatOthersMayReadOrThatAreNoneAreRefusedAndNeverShown() throws Exception {
    Path open = secret("monitor\nhush\n");
    Files.setPosixFilePermissions(open, PosixFilePermissions.fromString("rw-r--r--"));

    assertThatThrownBy(() -> Credentials.password(open))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("chmod 600");
    assertThatThrownBy(() -> Credentials.password(secret("hush\n")))
        .hasMessageContaining("has 1 lines, must have 2")
        .hasMessageNotContaining("hush");
    assertThatThrownBy(() -> Credentials.bearer(folder.resolve("none")))
        .hasMessageContaining("cannot be read");
    assertThat(Credentials.password(secret("monitor\nhush\n")).toString())
        .isEqualTo("Credentials[redacted]");
  }

  @Test
  void aNameThatCouldCarryACommandIsRefused() {
    assertThatThrownBy(() ->
            new NutSource("127.0.0.1", 3493, "main\nFSD main", Optional.empty(), TIMEOUT, () -> 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("must be a name");
    assertThatThrownBy(
            () -> new NutSource("127.0.0.1", 0, "main", Optional.empty(), TIMEOUT, () -> 0))
        .hasMessage("port 0: must be 1 to 65535");
  }

  private NutSource source(Optional<Credentials> credentials) {
    return new NutSource("127.0.0.1", upsd.port(), "main", credentials, TIMEOUT, () -> 42);
  }

  private Path secret(String content) throws IOException {
    Path file = Files.createTempFile(folder, "login", "");
    return Files.writeString(file, content);
  }

  /// A small upsd that knows one UPS, `main`.
  private static final class Upsd implements AutoCloseable {
    private final ServerSocket server = new ServerSocket(0, 10, InetAddress.getLoopbackAddress());
    private final List<String> commands = new CopyOnWriteArrayList<>();
    private final CountDownLatch goodbye = new CountDownLatch(1);
    private volatile Map<String, String> variables = Map.of();
    private volatile String error = "";
    private volatile String password = "";
    private volatile boolean silent;
    private volatile boolean babbling;

    Upsd() throws IOException {
      Thread.ofVirtual()
          .start(() -> {
            while (!server.isClosed()) {
              try {
                Socket client = server.accept();
                Thread.ofVirtual().start(() -> serve(client));
              } catch (IOException e) {
                return; // closed
              }
            }
          });
    }

    int port() {
      return server.getLocalPort();
    }

    List<String> awaitGoodbye() throws InterruptedException {
      assertThat(goodbye.await(30, TimeUnit.SECONDS)).isTrue();
      return List.copyOf(commands);
    }

    private void serve(Socket client) {
      try (client;
          var in =
              new BufferedReader(
                  new InputStreamReader(client.getInputStream(), StandardCharsets.UTF_8));
          var out = new PrintWriter(client.getOutputStream(), false, StandardCharsets.UTF_8)) {
        boolean welcome = password.isEmpty();
        for (String line = in.readLine(); line != null; line = in.readLine()) {
          commands.add(line);
          List<String> words = NutSource.words(line);
          switch (words.getFirst()) {
            case "USERNAME" -> out.println("OK");
            case "PASSWORD" -> {
              welcome = words.get(1).equals(password);
              out.println(welcome ? "OK" : "ERR ACCESS-DENIED");
            }
            case "LIST" -> list(out, welcome);
            case "LOGOUT" -> {
              out.println("OK Goodbye");
              goodbye.countDown();
            }
            default -> out.println("ERR UNKNOWN-COMMAND");
          }
          out.flush();
        }
      } catch (IOException e) {
        commands.add("broken off");
      }
    }

    private void list(PrintWriter out, boolean welcome) {
      if (silent) {
        return;
      }
      if (!welcome) {
        out.println("ERR ACCESS-DENIED");
        return;
      }
      if (!error.isEmpty()) {
        out.println(error);
        return;
      }
      out.println("BEGIN LIST VAR main");
      variables.forEach((name, value) ->
          out.println(
              "VAR main %s \"%s\""
                  .formatted(name, value.replace("\\", "\\\\").replace("\"", "\\\""))));
      for (int i = 0; babbling && i < 10_000; i++) {
        out.println("VAR main outlet.%d.load \"1\"".formatted(i));
      }
      out.println("END LIST VAR main");
    }

    @Override
    public void close() throws IOException {
      server.close();
    }
  }
}
