package dev.comity.demo;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// The aggregator's REST interface, over TLS that ends in the federation's own certificate
/// authority and no other. Used by one thread at a time, but for [#events].
final class RestApi {
  private static final JsonMapper JSON = JsonMapper.shared();

  private final HttpClient client;
  private final URI base;
  private @Nullable String token;

  /// @param base address with a trailing slash
  /// @param authority PEM file of the certificate authority
  RestApi(URI base, Path authority) {
    this.base = base;
    this.client =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .sslContext(trusting(authority))
            .connectTimeout(Duration.ofSeconds(5))
            .build();
  }

  private static SSLContext trusting(Path authority) {
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
    } catch (IOException | GeneralSecurityException e) {
      throw new DemoFailure("the certificate authority " + authority + " cannot be read", e);
    }
  }

  /// Whether the aggregator is wholly up: REST, the sites' port and the first account.
  boolean isReady() throws IOException, InterruptedException {
    var request =
        HttpRequest.newBuilder(base.resolve("actuator/health/readiness"))
            .timeout(Duration.ofSeconds(30))
            .build();
    return client.send(request, BodyHandlers.discarding()).statusCode() == 200;
  }

  /// Signs in as a browser does and makes a token, which all later calls carry.
  String signIn(String name, String password) throws IOException, InterruptedException {
    var cookies = new HashMap<String, String>();
    var credentials = Map.of("username", name, "password", password);
    var signedIn =
        client.send(request("session").POST(json(credentials)).build(), BodyHandlers.ofString());
    keep(signedIn, cookies);
    answer(signedIn);
    var current =
        client.send(
            request("session").header("Cookie", text(cookies)).build(), BodyHandlers.ofString());
    keep(current, cookies);
    answer(current);
    var made =
        client.send(
            request("tokens")
                .header("Cookie", text(cookies))
                .header("X-XSRF-TOKEN", cookies.getOrDefault("XSRF-TOKEN", ""))
                .POST(json(Map.of("name", "demo", "role", "ADMIN", "expiresInDays", 1)))
                .build(),
            BodyHandlers.ofString());
    var text = answer(made).path("token").asString();
    token = text;
    return text;
  }

  private static void keep(HttpResponse<?> response, Map<String, String> cookies) {
    for (var cookie : response.headers().allValues("Set-Cookie")) {
      int equals = cookie.indexOf('=');
      int end = cookie.indexOf(';');
      cookies.put(
          cookie.substring(0, equals),
          cookie.substring(equals + 1, end < 0 ? cookie.length() : end));
    }
  }

  private static String text(Map<String, String> cookies) {
    return cookies.entrySet().stream()
        .map(cookie -> cookie.getKey() + "=" + cookie.getValue())
        .collect(Collectors.joining("; "));
  }

  JsonNode get(String path) throws IOException, InterruptedException {
    return answer(client.send(request(path).build(), BodyHandlers.ofString()));
  }

  JsonNode post(String path, JsonNode body, Map<String, String> headers)
      throws IOException, InterruptedException {
    var request = request(path).POST(json(body));
    headers.forEach(request::header);
    return answer(client.send(request.build(), BodyHandlers.ofString()));
  }

  /// Writes what is at `path` to `file`.
  void download(String path, Path file) throws IOException, InterruptedException {
    var response = client.send(request(path).build(), BodyHandlers.ofFile(file));
    if (response.statusCode() != 200) {
      throw new DemoFailure(
          "GET %s was answered with status %d".formatted(path, response.statusCode()));
    }
  }

  /// The lines of a stream of server-sent events, as they come.
  Stream<String> events(String path, Optional<String> after)
      throws IOException, InterruptedException {
    var request =
        request(path).timeout(Duration.ofDays(1)).setHeader("Accept", "text/event-stream");
    after.ifPresent(id -> request.header("Last-Event-ID", id));
    var response = client.send(request.build(), BodyHandlers.ofLines());
    if (response.statusCode() != 200) {
      response.body().close();
      throw new IOException("GET %s: status %d".formatted(path, response.statusCode()));
    }
    return response.body();
  }

  private HttpRequest.Builder request(String path) {
    var request =
        HttpRequest.newBuilder(base.resolve("api/v1/").resolve(path))
            .timeout(Duration.ofSeconds(30))
            .header("Accept", "application/json");
    if (token != null) {
      request.header("Authorization", "Bearer " + token);
    }
    return request.header("Content-Type", "application/json");
  }

  private static HttpRequest.BodyPublisher json(Object body) {
    return BodyPublishers.ofString(JSON.writeValueAsString(body));
  }

  /// The body, or a failure with the server's own words.
  private static JsonNode answer(HttpResponse<String> response) {
    if (response.statusCode() / 100 == 2) {
      return response.body().isEmpty() ? JSON.nullNode() : JSON.readTree(response.body());
    }
    throw new DemoFailure(
        "%s %s was refused with status %d: %s"
            .formatted(
                response.request().method(),
                response.request().uri(),
                response.statusCode(),
                response.body()));
  }
}
