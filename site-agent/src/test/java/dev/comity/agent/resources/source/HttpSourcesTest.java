package dev.comity.agent.resources.source;

import static dev.comity.agent.resources.source.Readings.reading;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import java.io.IOException;
import java.math.BigInteger;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Base64;
import java.util.Date;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Prometheus and JSON endpoints, over real HTTP and HTTPS.
@Timeout(60)
class HttpSourcesTest {
  private static final Duration TIMEOUT = Duration.ofSeconds(20);
  private static final long NOW = 1_000_000_000_000L;

  @TempDir Path folder;
  private final List<HttpServer> servers = new CopyOnWriteArrayList<>();
  private final List<String> authorizations = new CopyOnWriteArrayList<>();

  @AfterEach
  void stop() {
    servers.forEach(server -> server.stop(0));
  }

  @Test
  void aJsonPointerFindsNumbersTextsAndFlags() throws Exception {
    URI address =
        serve(exchange ->
            answer(
                exchange,
                200,
                """
                {"Temperatures": [{"Name": "Intake", "ReadingCelsius": 24.5}],
                 "soc": "81.5 ", "mains": true, "model": "X1", "nothing": null}
                """));

    var readings =
        json(
                address,
                Map.of(
                    "inlet", "/Temperatures/0/ReadingCelsius",
                    "charge", "/soc",
                    "mains", "/mains",
                    "model", "/model",
                    "nothing", "/nothing",
                    "absent", "/a/b"))
            .read();

    assertThat(readings).containsOnlyKeys("inlet", "charge", "mains");
    assertThat(reading(readings, "inlet").value()).isEqualTo(24.5);
    assertThat(reading(readings, "inlet").observedAt()).isEqualTo(NOW);
    assertThat(reading(readings, "charge").value()).isEqualTo(81.5);
    assertThat(reading(readings, "mains").value()).isEqualTo(1);
  }

  @Test
  void whatIsNoJsonAndWhatIsNotOkAreFailuresWithoutTheAnswer() throws Exception {
    URI broken = serve(exchange -> answer(exchange, 200, "<html>24.5</html>"));
    URI refused = serve(exchange -> answer(exchange, 401, "{\"token\": \"hush\"}"));
    URI moved =
        serve(exchange -> {
          exchange.getResponseHeaders().add("Location", "http://127.0.0.1:9/elsewhere");
          answer(exchange, 302, "{}");
        });

    assertThatThrownBy(() -> json(broken, Map.of("a", "/a")).read())
        .isInstanceOf(IOException.class)
        .hasMessage("127.0.0.1 answers with something else than JSON");
    assertThatThrownBy(() -> json(refused, Map.of("a", "/a")).read())
        .isInstanceOf(IOException.class)
        .hasMessage("127.0.0.1 answers with status 401");
    assertThatThrownBy(() -> json(moved, Map.of("a", "/a")).read())
        .hasMessage("127.0.0.1 answers with status 302");
  }

  @Test
  void anEndpointThatHangsIsLeftAtTheTimeoutEvenInTheMiddleOfItsAnswer() throws Exception {
    var released = new CountDownLatch(1);
    URI address =
        serve(exchange -> {
          exchange.sendResponseHeaders(200, 100);
          exchange.getResponseBody().write('{');
          exchange.getResponseBody().flush();
          try {
            released.await();
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
        });
    try (var source =
        new JsonSource(
            new JsonEndpoint(address, Optional.empty(), Optional.empty(), Duration.ofMillis(300)),
            Map.of("a", "/a"),
            () -> NOW)) {
      assertThatThrownBy(source::read)
          .isInstanceOf(IOException.class)
          .hasMessage("127.0.0.1 does not answer within 300 ms");
    } finally {
      released.countDown();
    }
  }

  @Test
  void anAnswerWithoutEndIsLeft() throws Exception {
    URI address =
        serve(exchange -> {
          exchange.sendResponseHeaders(200, 0);
          byte[] blanks = " ".repeat(64 * 1024).getBytes(StandardCharsets.US_ASCII);
          for (int i = 0; i < 64; i++) {
            exchange.getResponseBody().write(blanks);
          }
          exchange.close();
        });

    assertThatThrownBy(() -> json(address, Map.of("a", "/a")).read())
        .isInstanceOf(IOException.class)
        .hasMessageContaining("cannot be asked");
  }

  @Test
  void credentialsAreSentInTheirHeader() throws Exception {
    URI address = serve(exchange -> answer(exchange, 200, "{\"a\": 1}"));
    Path login = secret("root\ncalvin\n");
    Path token = secret("abc.def\n");

    json(address, Map.of("a", "/a"), Optional.of(Credentials.password(login))).read();
    json(address, Map.of("a", "/a"), Optional.of(Credentials.bearer(token))).read();

    assertThat(authorizations)
        .containsExactly(
            "Basic "
                + Base64.getEncoder()
                    .encodeToString("root:calvin".getBytes(StandardCharsets.US_ASCII)),
            "Bearer abc.def");
  }

  @Test
  void httpsIsTrustedByThePinnedFileAlone() throws Exception {
    var pair = newPair();
    X509Certificate certificate = selfSigned(pair);
    URI address = serveTls(pair, certificate, "{\"a\": 7}");
    Path pinned = Files.writeString(folder.resolve("bmc.pem"), pem(certificate));
    Path other = Files.writeString(folder.resolve("other.pem"), pem(selfSigned(newPair())));

    assertThat(reading(tls(address, Optional.of(pinned)).read(), "a").value()).isEqualTo(7);
    assertThatThrownBy(() -> tls(address, Optional.of(other)).read())
        .isInstanceOf(IOException.class)
        .hasMessageContaining("cannot be asked");
    assertThatThrownBy(() -> tls(address, Optional.empty()).read()).isInstanceOf(IOException.class);
  }

  @Test
  void addressesAndFilesThatCannotBeMeantAreRefused() throws Exception {
    Path login = secret("root\ncalvin\n");
    Path empty = Files.writeString(folder.resolve("empty.pem"), "");

    assertThatThrownBy(() -> endpoint("ftp://bmc/x", Optional.empty(), Optional.empty()))
        .hasMessageContaining("must be an http or https address");
    assertThatThrownBy(
            () -> endpoint("http://root:calvin@bmc/x", Optional.empty(), Optional.empty()))
        .hasMessageContaining("holds a password")
        .hasMessageNotContaining("calvin");
    assertThatThrownBy(() ->
            endpoint("http://bmc/x", Optional.empty(), Optional.of(Credentials.password(login))))
        .hasMessageContaining("would travel in plain");
    assertThatThrownBy(() -> endpoint("http://bmc/x", Optional.of(empty), Optional.empty()))
        .hasMessageContaining("ca is for https");
    assertThatThrownBy(() -> endpoint("https://bmc/x", Optional.of(empty), Optional.empty()))
        .hasMessageContaining("holds no certificate");
    assertThatThrownBy(() -> json(URI.create("http://127.0.0.1:1/"), Map.of("a", "b")))
        .hasMessageContaining("is no JSON pointer");
  }

  @Test
  void prometheusIsAskedForValueAndAge() throws Exception {
    var answers = new HashMap<String, String>();
    answers.put("inlet", vector("1000.5", "23.75"));
    answers.put("timestamp(inlet)", vector("1000.75", "970.5"));
    URI address = servePrometheus(answers);

    var reading = reading(prometheus(address, "inlet").read(), "q");

    assertThat(reading.value()).isEqualTo(23.75);
    assertThat((double) NOW - reading.observedAt()).isCloseTo(30.25e9, within(1e6));
  }

  @Test
  void aScalarOfPrometheusCountsAsNew() throws Exception {
    URI address =
        servePrometheus(
            Map.of(
                "scalar(sum(x))",
                "{\"status\":\"success\",\"data\":{\"resultType\":\"scalar\",\"result\":[5,\"6.5\"]}}"));

    var reading = reading(prometheus(address, "scalar(sum(x))").read(), "q");

    assertThat(reading.value()).isEqualTo(6.5);
    assertThat(reading.observedAt()).isEqualTo(NOW);
  }

  @Test
  void aQueryWithoutSeriesAndOneThatIsNoNumberHaveNoReading() throws Exception {
    URI address =
        servePrometheus(
            Map.of(
                "none",
                "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[]}}",
                "nan",
                vector("5", "NaN")));

    assertThat(prometheus(address, "none").read()).isEmpty();
    assertThat(prometheus(address, "nan").read()).isEmpty();
  }

  @Test
  void aQueryOfSeveralSeriesAndOneThatIsNotTakenAreFailures() throws Exception {
    URI address =
        servePrometheus(
            Map.of(
                "many",
                """
                {"status":"success","data":{"resultType":"vector","result":[
                  {"metric":{},"value":[5,"1"]},{"metric":{},"value":[5,"2"]}]}}
                """,
                "range",
                "{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[]}}",
                "odd",
                "{\"status\":\"error\"}"));

    assertThatThrownBy(() -> prometheus(address, "many").read())
        .isInstanceOf(IOException.class)
        .hasMessage("query q gives 2 series: narrow it down to one");
    assertThatThrownBy(() -> prometheus(address, "range").read())
        .hasMessage("query q: must be an instant query");
    assertThatThrownBy(() -> prometheus(address, "odd").read())
        .hasMessage("Prometheus does not take the query odd");
    assertThatThrownBy(() -> prometheus(address, "unknown{").read())
        .hasMessage("127.0.0.1 answers with status 400");
  }

  private static String vector(String at, String value) {
    return """
    {"status":"success","data":{"resultType":"vector",
      "result":[{"metric":{"instance":"a"},"value":[%s,"%s"]}]}}
    """
        .formatted(at, value);
  }

  private PrometheusSource prometheus(URI address, String query) {
    return new PrometheusSource(
        new JsonEndpoint(address, Optional.empty(), Optional.empty(), TIMEOUT),
        Map.of("q", query),
        () -> NOW);
  }

  private URI servePrometheus(Map<String, String> answers) throws IOException {
    return serve(exchange -> {
      String query =
          URLDecoder.decode(
              exchange.getRequestURI().getRawQuery().substring("query=".length()),
              StandardCharsets.UTF_8);
      boolean known =
          answers.containsKey(query) && exchange.getRequestURI().getPath().equals("/api/v1/query");
      answer(exchange, known ? 200 : 400, answers.getOrDefault(query, "{\"status\":\"error\"}"));
    });
  }

  private JsonSource json(URI address, Map<String, String> pointers) {
    return json(address, pointers, Optional.empty());
  }

  private JsonSource json(
      URI address, Map<String, String> pointers, Optional<Credentials> credentials) {
    return new JsonSource(
        new JsonEndpoint(address, Optional.empty(), credentials, TIMEOUT), pointers, () -> NOW);
  }

  private JsonSource tls(URI address, Optional<Path> authority) {
    return new JsonSource(
        new JsonEndpoint(address, authority, Optional.empty(), TIMEOUT),
        Map.of("a", "/a"),
        () -> NOW);
  }

  private static JsonEndpoint endpoint(
      String address, Optional<Path> authority, Optional<Credentials> credentials) {
    return new JsonEndpoint(URI.create(address), authority, credentials, TIMEOUT);
  }

  private Path secret(String content) throws IOException {
    return Files.writeString(Files.createTempFile(folder, "secret", ""), content);
  }

  /// Answers an exchange.
  private interface Handler {
    void handle(HttpExchange exchange) throws IOException;
  }

  private URI serve(Handler handler) throws IOException {
    var server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    return start(server, "http", handler);
  }

  private URI serveTls(KeyPair pair, X509Certificate certificate, String body) throws Exception {
    var store = KeyStore.getInstance(KeyStore.getDefaultType());
    store.load(null, null);
    store.setKeyEntry("bmc", pair.getPrivate(), new char[0], new Certificate[] {certificate});
    var keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    keys.init(store, new char[0]);
    var context = SSLContext.getInstance("TLS");
    context.init(keys.getKeyManagers(), null, null);
    var server = HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setHttpsConfigurator(new HttpsConfigurator(context));
    return start(server, "https", exchange -> answer(exchange, 200, body));
  }

  private URI start(HttpServer server, String scheme, Handler handler) {
    server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
    server.createContext(
        "/",
        exchange -> {
          assertThat(exchange.getRequestMethod()).isEqualTo("GET");
          String authorization = exchange.getRequestHeaders().getFirst("Authorization");
          if (authorization != null) {
            authorizations.add(authorization);
          }
          handler.handle(exchange);
        });
    server.start();
    servers.add(server);
    return URI.create("%s://127.0.0.1:%d".formatted(scheme, server.getAddress().getPort()));
  }

  private static void answer(HttpExchange exchange, int status, String body) throws IOException {
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    exchange.sendResponseHeaders(status, bytes.length);
    exchange.getResponseBody().write(bytes);
    exchange.close();
  }

  private static KeyPair newPair() throws Exception {
    return KeyPairGenerator.getInstance("EC").generateKeyPair();
  }

  private static X509Certificate selfSigned(KeyPair pair) throws Exception {
    var name = new X500Name("CN=bmc");
    var now = Instant.now();
    var builder =
        new JcaX509v3CertificateBuilder(
            name,
            BigInteger.ONE,
            Date.from(now.minus(1, ChronoUnit.HOURS)),
            Date.from(now.plus(1, ChronoUnit.DAYS)),
            name,
            pair.getPublic());
    builder.addExtension(
        Extension.subjectAlternativeName,
        false,
        new GeneralNames(new GeneralName(GeneralName.iPAddress, "127.0.0.1")));
    return new JcaX509CertificateConverter()
        .getCertificate(
            builder.build(new JcaContentSignerBuilder("SHA256withECDSA").build(pair.getPrivate())));
  }

  private static String pem(X509Certificate certificate) throws Exception {
    return "-----BEGIN CERTIFICATE-----\n"
        + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(certificate.getEncoded())
        + "\n-----END CERTIFICATE-----\n";
  }
}
