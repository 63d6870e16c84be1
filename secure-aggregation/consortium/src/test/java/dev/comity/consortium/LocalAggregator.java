package dev.comity.consortium;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import dev.comity.codec.Bytes;
import dev.comity.membership.MessageKey;
import dev.comity.membership.MessagePublicKey;
import dev.comity.membership.RefusedSignatureException;
import dev.comity.membership.SignedMembership;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.Arrays;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;

/// The part of the REST interface that the consortium uses, over TLS with a certificate of its own
/// CA, and able to lie.
class LocalAggregator implements AutoCloseable {
  /// What goes wrong when a membership is offered.
  enum Trouble {
    NONE,
    ANSWER_IS_LOST,
    UNAVAILABLE
  }

  static final String API_TOKEN = "an-administrators-token";
  private static final char[] PASSWORD = "changeit".toCharArray();

  final MessageKey key = MessageKey.generate();
  final Map<String, MessagePublicKey> enrolled = new LinkedHashMap<>();
  private volatile Trouble trouble = Trouble.NONE;
  private final MessagePublicKey consortium;
  private final KeyStore store;
  private final HttpsServer server;
  private Optional<SignedMembership> membership = Optional.empty();
  private Optional<SignedMembership> before = Optional.empty();

  /// Listens with the certificate in `folder`, which `certificates` made.
  LocalAggregator(Path folder, MessagePublicKey consortium) throws Exception {
    this.consortium = consortium;
    this.store = KeyStore.getInstance(folder.resolve("tls.p12").toFile(), PASSWORD);
    SSLContext tls = SSLContext.getInstance("TLS");
    KeyManagerFactory keys = KeyManagerFactory.getInstance("PKIX");
    KeyStore serverOnly = KeyStore.getInstance("PKCS12");
    serverOnly.load(null, null);
    serverOnly.setKeyEntry(
        "server", store.getKey("server", PASSWORD), PASSWORD, store.getCertificateChain("server"));
    keys.init(serverOnly, PASSWORD);
    tls.init(keys.getKeyManagers(), null, null);
    server = HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setHttpsConfigurator(new HttpsConfigurator(tls));
    server.createContext("/api/v1/", this::answer);
    server.start();
  }

  /// A CA and a certificate of it for localhost, or for another host.
  static void certificates(Path folder, String host) throws Exception {
    Files.createDirectories(folder);
    keytool(
        folder,
        "-genkeypair",
        "-alias",
        "ca",
        "-keyalg",
        "EC",
        "-dname",
        "CN=test CA",
        "-ext",
        "bc:c");
    keytool(
        folder,
        "-genkeypair",
        "-alias",
        "server",
        "-keyalg",
        "EC",
        "-dname",
        "CN=server",
        "-signer",
        "ca",
        "-ext",
        "san=dns:" + host);
  }

  private static void keytool(Path folder, String... arguments) throws Exception {
    List<String> command =
        Stream.concat(
                Stream.of(Path.of(System.getProperty("java.home"), "bin", "keytool").toString()),
                Stream.concat(
                    Arrays.stream(arguments),
                    Stream.of(
                        "-keystore",
                        folder.resolve("tls.p12").toString(),
                        "-storepass",
                        new String(PASSWORD))))
            .toList();
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output;
    try (InputStream stream = process.getInputStream()) {
      output = new String(stream.readAllBytes(), UTF_8);
    }
    if (process.waitFor() != 0) {
      throw new IOException(output);
    }
  }

  URI url() {
    return URI.create("https://localhost:" + server.getAddress().getPort());
  }

  String caPem() throws GeneralSecurityException {
    return "-----BEGIN CERTIFICATE-----\n"
        + Base64.getMimeEncoder().encodeToString(store.getCertificate("ca").getEncoded())
        + "\n-----END CERTIFICATE-----\n";
  }

  String info() {
    try {
      return Json.object()
          .put("federation", "demo")
          .put("caCertificatePem", caPem())
          .put("caPin", "not to be relied on")
          .put("messageKey", key.publicKey().hex())
          .put("messageKeyFingerprint", key.publicKey().displayFingerprint())
          .put("restUrl", url().toString())
          .put("grpcUrl", "https://localhost:9443")
          .toString();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  synchronized Optional<SignedMembership> membership() {
    return membership;
  }

  void has(Trouble now) {
    trouble = now;
  }

  /// As an aggregator restored from an old backup would.
  synchronized void setBack() {
    membership = before;
  }

  private synchronized void answer(HttpExchange exchange) throws IOException {
    try (exchange) {
      String call = exchange.getRequestMethod() + " " + exchange.getRequestURI().getPath();
      switch (call) {
        case "GET /api/v1/federation" -> send(exchange, 200, info());
        case "GET /api/v1/membership" -> {
          if (membership.isPresent()) {
            send(exchange, 200, Json.json(membership.get()).toString());
          } else {
            send(exchange, 404, "{}");
          }
        }
        case "GET /api/v1/enrolments" -> {
          if (authorised(exchange)) {
            send(exchange, 200, enrolments());
          }
        }
        case "PUT /api/v1/membership" -> {
          if (authorised(exchange)) {
            take(exchange);
          }
        }
        default -> send(exchange, 404, "{}");
      }
    }
  }

  String enrolments() {
    return "["
        + String.join(
            ",",
            enrolled.entrySet().stream()
                .map(site ->
                    Json.object()
                        .put("site", site.getKey())
                        .put("messageKey", site.getValue().hex())
                        .put("fingerprint", "not to be relied on")
                        .put("state", "PENDING")
                        .toString())
                .toList())
        + "]";
  }

  private void take(HttpExchange exchange) throws IOException {
    if (trouble == Trouble.UNAVAILABLE) {
      send(exchange, 503, "{}");
      return;
    }
    Bytes body = Bytes.of(exchange.getRequestBody().readAllBytes());
    SignedMembership offered =
        Json.membership("body", Json.parse("body", new String(body.toByteArray(), UTF_8)));
    if (membership.equals(Optional.of(offered))) {
      exchange.sendResponseHeaders(204, -1);
      return;
    }
    try {
      offered.verifyAfter(membership, consortium);
    } catch (RefusedSignatureException e) {
      send(exchange, 409, Json.object().put("detail", e.getMessage()).toString());
      return;
    }
    before = membership;
    membership = Optional.of(offered);
    if (trouble == Trouble.ANSWER_IS_LOST) {
      return; // closing the exchange ends the connection
    }
    exchange.sendResponseHeaders(204, -1);
  }

  private static boolean authorised(HttpExchange exchange) throws IOException {
    if (("Bearer " + API_TOKEN).equals(exchange.getRequestHeaders().getFirst("Authorization"))) {
      return true;
    }
    send(exchange, 401, Json.object().put("detail", "no such token").toString());
    return false;
  }

  private static void send(HttpExchange exchange, int status, String body) throws IOException {
    byte[] bytes = body.getBytes(UTF_8);
    exchange.sendResponseHeaders(status, bytes.length);
    exchange.getResponseBody().write(bytes);
  }

  @Override
  public void close() {
    server.stop(0);
  }
}
