package dev.comity.agent.participation;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import dev.comity.codec.Bytes;
import dev.comity.membership.EnrolmentRequest;
import dev.comity.membership.Invitation;
import dev.comity.membership.MessageKey;
import dev.comity.membership.MessagePublicKey;
import dev.comity.membership.SignedInvitation;
import dev.comity.plan.FederationId;
import dev.comity.plan.SiteId;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.security.KeyStore;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// The aggregator's REST side, as far as a joining site sees it: HTTPS on loopback.
final class TestEnrolments implements AutoCloseable {
  static final FederationId FEDERATION = new FederationId("test");

  final MessageKey consortium = MessageKey.generate();
  final TestAuthority authority;
  final Map<SiteId, MessagePublicKey> enrolled = new ConcurrentHashMap<>();
  final List<String> bodies = new ArrayList<>();
  private final HttpsServer server;
  private final URI link;
  private final JsonMapper json = JsonMapper.builder().build();

  TestEnrolments(TestAuthority authority, URI link) throws Exception {
    this.authority = authority;
    this.link = link;
    var store = KeyStore.getInstance(KeyStore.getDefaultType());
    store.load(null, null);
    store.setKeyEntry("server", authority.serverKey(), new char[0], authority.serverChain());
    var keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    keys.init(store, new char[0]);
    var tls = SSLContext.getInstance("TLS");
    tls.init(keys.getKeyManagers(), null, null);
    server = HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setHttpsConfigurator(new HttpsConfigurator(tls));
    server.createContext("/api/v1/enrolments", this::enrol);
    server.start();
  }

  URI url() {
    return URI.create("https://localhost:" + server.getAddress().getPort());
  }

  String invite(String site) {
    return invite(site, Instant.now().plus(1, ChronoUnit.HOURS), authority);
  }

  /// An invitation whose address only a proxy can resolve.
  String inviteBehindProxy(String site) {
    return invite(
        site,
        Instant.now().plus(1, ChronoUnit.HOURS),
        authority,
        URI.create("https://" + ConnectProxy.NAME + ":" + server.getAddress().getPort()));
  }

  String invite(String site, Instant expiresAt, TestAuthority pinned) {
    return invite(site, expiresAt, pinned, url());
  }

  private String invite(String site, Instant expiresAt, TestAuthority pinned, URI address) {
    return SignedInvitation.sign(
            new Invitation(
                FEDERATION,
                new SiteId(site),
                Invitation.newNonce(),
                expiresAt.truncatedTo(ChronoUnit.MILLIS),
                address,
                pinned.pin(),
                consortium.publicKey()),
            consortium)
        .token();
  }

  private void enrol(HttpExchange exchange) throws IOException {
    try (exchange) {
      String body =
          new String(
              exchange.getRequestBody().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
      bodies.add(body);
      JsonNode request = json.readTree(body);
      var base64 = Base64.getDecoder();
      var enrolment =
          new EnrolmentRequest(
              request.path("token").asString(),
              Bytes.of(base64.decode(request.path("csr").asString())),
              MessagePublicKey.fromHex(request.path("messageKey").asString()),
              Bytes.of(base64.decode(request.path("signature").asString())));
      SiteId site = enrolment.verify(consortium.publicKey()).site();
      MessagePublicKey before = enrolled.putIfAbsent(site, enrolment.key());
      if (before != null && !before.equals(enrolment.key())) {
        answer(exchange, 409, Map.of("title", "Conflict", "detail", "the invitation was used"));
        return;
      }
      answer(
          exchange,
          201,
          Map.of(
              "site", site.value(),
              "certificatePem", authority.issueFor(enrolment.csrDer().toByteArray()),
              "grpcUrl", link.getAuthority(),
              "state", "PENDING"));
    }
  }

  private void answer(HttpExchange exchange, int status, Map<String, String> content)
      throws IOException {
    byte[] bytes = json.writeValueAsBytes(content);
    exchange.getResponseHeaders().add("Content-Type", "application/json");
    exchange.sendResponseHeaders(status, bytes.length);
    exchange.getResponseBody().write(bytes);
  }

  @Override
  public void close() {
    server.stop(0);
  }
}
