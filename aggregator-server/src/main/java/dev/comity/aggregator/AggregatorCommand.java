package dev.comity.aggregator;

import io.netty.handler.ssl.OpenSsl;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.util.Arrays;
import java.util.OptionalInt;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.nd4j.linalg.factory.Nd4j;
import org.springframework.core.env.SimpleCommandLinePropertySource;
import org.springframework.core.env.StandardEnvironment;

/// What the aggregator's program does besides being the aggregator.
final class AggregatorCommand {
  private static final Duration PATIENCE = Duration.ofSeconds(20);
  private static final int DONE = 0;
  private static final int FAILED = 1;
  private static final String HELP =
      """
      Usage: aggregator --comity.federation=NAME --comity.consortium-key=KEY [OPTION...]
             aggregator health [OPTION...]
             aggregator natives
             aggregator --help

      The first form serves until it is stopped. Every option may be an environment
      variable as well, as COMITY_FEDERATION for --comity.federation.

        --comity.federation=NAME           the federation's identifier
        --comity.consortium-key=KEY        path or fingerprint of the consortium's public key
        --comity.data-dir=DIR              keys, artifacts, spool (default: comity-data)
        --comity.database=embedded         a PostgreSQL of its own, for a demonstration
        --comity.bind=ADDRESS              listening address (default: 127.0.0.1)
        --comity.advertised-host=NAME      name by which others reach it (default: localhost)
        --comity.rest.port=PORT            REST and dashboard (default: 8443)
        --comity.grpc.port=PORT            sites (default: 9443)
        --comity.federation-epoch=N        once, after a database was restored from a backup
        --spring.datasource.url=URL        jdbc:postgresql://HOST/DATABASE, with .username and .password
        --spring.config.import=configtree:DIR/   options from files that are named like them

      health   asks the aggregator on this machine whether it is ready; reads data-dir and rest.port
      natives  loads the native libraries and says which

      Exit codes: 0 done or stopped, 1 failed, with the reason on standard error.
      """;

  private final PrintStream out;
  private final PrintStream err;

  AggregatorCommand(PrintStream out, PrintStream err) {
    this.out = out;
    this.err = err;
  }

  /// Runs the command that `arguments` begin with.
  ///
  /// @return its exit code, or nothing when the arguments are the server's
  OptionalInt run(String... arguments) throws InterruptedException {
    return switch (arguments.length == 0 ? "" : arguments[0]) {
      case "--help", "-h" -> {
        out.print(HELP);
        yield OptionalInt.of(DONE);
      }
      case "health" -> OptionalInt.of(health(Arrays.copyOfRange(arguments, 1, arguments.length)));
      case "natives" -> OptionalInt.of(natives());
      default -> OptionalInt.empty();
    };
  }

  /// Asks over TLS that ends in the authority below the data directory, as the sites' does.
  private int health(String... options) throws InterruptedException {
    var environment = new StandardEnvironment();
    environment.getPropertySources().addFirst(new SimpleCommandLinePropertySource(options));
    Path authority =
        Path.of(environment.getProperty("comity.data-dir", "comity-data"), "keys", "ca.crt");
    var address =
        URI.create(
            "https://localhost:%s/actuator/health/readiness"
                .formatted(environment.getProperty("comity.rest.port", "8443")));
    try (var http =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .sslContext(trusting(authority))
            .connectTimeout(PATIENCE)
            .build()) {
      var answer =
          http.send(
              HttpRequest.newBuilder(address).timeout(PATIENCE).build(),
              HttpResponse.BodyHandlers.discarding());
      if (answer.statusCode() == 200) {
        out.println("ready");
        return DONE;
      }
      err.println("aggregator: not ready: %s answers %d".formatted(address, answer.statusCode()));
    } catch (IOException | GeneralSecurityException e) {
      err.println("aggregator: no answer from %s: %s".formatted(address, e));
    }
    return FAILED;
  }

  private static SSLContext trusting(Path authority) throws IOException, GeneralSecurityException {
    try (var pem = new BufferedInputStream(Files.newInputStream(authority))) {
      var store = KeyStore.getInstance(KeyStore.getDefaultType());
      store.load(null, null);
      store.setCertificateEntry(
          "authority", CertificateFactory.getInstance("X.509").generateCertificate(pem));
      var trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
      trust.init(store);
      var context = SSLContext.getInstance("TLS");
      context.init(null, trust.getTrustManagers(), null);
      return context;
    }
  }

  private int natives() {
    try (var values = Nd4j.createFromArray(3f, 4f);
        var product = values.mul(values)) {
      out.println("ND4J " + Nd4j.getBackend().getClass().getSimpleName());
      if (product.sumNumber().doubleValue() != 25) {
        err.println("aggregator: ND4J computes 3² + 4² = " + product.sumNumber());
        return FAILED;
      }
    } catch (LinkageError e) {
      err.println("aggregator: ND4J cannot be loaded: " + root(e));
      return FAILED;
    }
    if (!OpenSsl.isAvailable()) {
      err.println("aggregator: BoringSSL cannot be loaded: " + root(OpenSsl.unavailabilityCause()));
      return FAILED;
    }
    out.println("TLS " + OpenSsl.versionString());
    return DONE;
  }

  private static Throwable root(Throwable failure) {
    Throwable first = failure;
    while (first.getCause() != null) {
      first = first.getCause();
    }
    return first;
  }
}
