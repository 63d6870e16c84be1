package dev.comity.consortium;

import dev.comity.codec.MalformedException;
import dev.comity.membership.MessagePublicKey;
import dev.comity.membership.SignedMembership;
import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/// An aggregator's REST interface, over TLS with its own CA as the only one believed.
final class Aggregator implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private final URI url;
  private final HttpClient client;

  private Aggregator(URI url, HttpClient client) {
    if (!"https".equalsIgnoreCase(url.getScheme()) || url.getHost() == null) {
      throw new IllegalArgumentException(
          "the aggregator's address %s: must look like https://host:port".formatted(url));
    }
    this.url = url;
    this.client = client;
  }

  /// What the aggregator says of itself, asked of whoever answers: worth nothing until its CA was
  /// compared with a pin that came another way.
  static FederationInfo introduction(URI url) {
    try (Aggregator stranger = new Aggregator(url, client(new TrustManager[] {new AnyServer()}))) {
      return stranger.federation();
    }
  }

  /// Refuses a server whose certificate does not chain to the CA of `caPin`.
  static Aggregator connect(URI url, Digest caPin) {
    FederationInfo introduction = introduction(url);
    if (!introduction.caPin().equals(caPin)) {
      throw new AggregatorException(
          "%s shows a CA with pin %s; expected %s: this is another aggregator, or somebody in between"
              .formatted(url, introduction.caPin(), caPin));
    }
    return new Aggregator(url, client(onlyBelieving(introduction.ca())));
  }

  FederationInfo federation() {
    HttpResponse<String> response = send(request("/api/v1/federation").GET().build());
    require(response, 200);
    return FederationInfo.parse(url + "/api/v1/federation", response.body());
  }

  /// The message keys that sites enrolled with, as the aggregator tells them.
  Map<SiteId, MessagePublicKey> enrolments(String apiToken) {
    HttpResponse<String> response =
        send(
            request("/api/v1/enrolments")
                .header("Authorization", "Bearer " + apiToken)
                .GET()
                .build());
    require(response, 200);
    return enrolments("enrolments", response.body());
  }

  /// What `GET /api/v1/enrolments` answers.
  static Map<SiteId, MessagePublicKey> enrolments(String what, String text) {
    Map<SiteId, MessagePublicKey> keys = new LinkedHashMap<>();
    for (JsonNode row : Json.parse(what, text)) {
      keys.put(
          new SiteId(Json.text(what, row, "site")),
          MessagePublicKey.fromHex(Json.text(what, row, "messageKey")));
    }
    return keys;
  }

  /// The membership that the aggregator holds, if it holds one.
  Optional<SignedMembership> membership() {
    HttpResponse<String> response = send(request("/api/v1/membership").GET().build());
    if (response.statusCode() == 404) {
      return Optional.empty();
    }
    require(response, 200);
    return Optional.of(Json.membership("membership", Json.parse("membership", response.body())));
  }

  void publish(SignedMembership membership, String apiToken) {
    HttpResponse<String> response =
        send(
            request("/api/v1/membership")
                .header("Authorization", "Bearer " + apiToken)
                .header("Content-Type", "application/json")
                .PUT(HttpRequest.BodyPublishers.ofString(Json.json(membership).toString()))
                .build());
    require(response, 204);
  }

  @Override
  public void close() {
    client.shutdownNow();
    client.close();
  }

  private HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(url.resolve(path))
        .timeout(PATIENCE)
        .header("Accept", "application/json");
  }

  private HttpResponse<String> send(HttpRequest request) {
    try {
      return client.send(request, BodyHandlers.ofString());
    } catch (SSLException e) {
      throw new AggregatorException(
          "%s does not prove to be the aggregator: %s".formatted(url, e.getMessage()), e);
    } catch (IOException e) {
      throw new AggregatorException(
          "%s cannot be reached (%s); is the aggregator running there?"
              .formatted(
                  url, e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage()),
          e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AggregatorException("interrupted while waiting for " + url, e);
    }
  }

  private void require(HttpResponse<String> response, int status) {
    if (response.statusCode() == status) {
      return;
    }
    String path = response.request().uri().getPath();
    String remedy =
        switch (response.statusCode()) {
          case 401, 403 -> "; the API token must be valid and of role ADMIN";
          default -> "";
        };
    throw new AggregatorException(
        "%s answered %s %s with status %d%s%s"
            .formatted(
                url,
                response.request().method(),
                path,
                response.statusCode(),
                problem(response.body()),
                remedy));
  }

  /// The sentence of an RFC 9457 problem, if the body is one.
  private static String problem(String body) {
    try {
      JsonNode detail = Json.parse("problem", body).path("detail");
      return detail.isString() ? ": " + detail.stringValue() : "";
    } catch (MalformedException e) {
      return ", and a body that is no problem document";
    }
  }

  private static HttpClient client(TrustManager[] trust) {
    try {
      SSLContext tls = SSLContext.getInstance("TLS");
      tls.init(null, trust, null);
      return HttpClient.newBuilder().sslContext(tls).connectTimeout(PATIENCE).build();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("this Java runtime lacks TLS", e);
    }
  }

  private static TrustManager[] onlyBelieving(X509Certificate ca) {
    try {
      KeyStore anchors = KeyStore.getInstance(KeyStore.getDefaultType());
      anchors.load(null, null);
      anchors.setCertificateEntry("ca", ca);
      TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
      factory.init(anchors);
      return factory.getTrustManagers();
    } catch (GeneralSecurityException | IOException e) {
      throw new IllegalStateException("this Java runtime lacks certificate validation", e);
    }
  }

  /// Believes anybody. Nothing secret is sent over such a connection, and nothing it says is relied
  /// on before it was compared with a pin.
  private static final class AnyServer extends X509ExtendedTrustManager {
    @Override
    public void checkClientTrusted(X509Certificate[] chain, String authType) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String authType) {}

    @Override
    public void checkClientTrusted(
        X509Certificate[] chain, String authType, @Nullable Socket socket) {}

    @Override
    public void checkServerTrusted(
        X509Certificate[] chain, String authType, @Nullable Socket socket) {}

    @Override
    public void checkClientTrusted(
        X509Certificate[] chain, String authType, @Nullable SSLEngine engine) {}

    @Override
    public void checkServerTrusted(
        X509Certificate[] chain, String authType, @Nullable SSLEngine engine) {}

    @Override
    public X509Certificate[] getAcceptedIssuers() {
      return new X509Certificate[0];
    }
  }
}
