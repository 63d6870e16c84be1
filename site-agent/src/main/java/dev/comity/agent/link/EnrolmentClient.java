package dev.comity.agent.link;

import dev.comity.codec.Bytes;
import dev.comity.plan.Digest;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLHandshakeException;
import javax.net.ssl.TrustManager;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// The one thing that a site asks of REST: its TLS certificate, against its invitation. The server
/// must be certified by the authority whose pin the invitation carries.
public final class EnrolmentClient implements AutoCloseable {
  private static final Duration TIMEOUT = Duration.ofSeconds(30);
  private static final int CREATED = 201;
  private static final int PROXY_LOGIN = 407;

  static {
    // The JDK sends no password to a proxy before it tunnels. Ours goes only to a proxy that the
    // site's own settings name, and the client of this class is the only one that uses one.
    System.setProperty("jdk.http.auth.tunneling.disabledSchemes", "");
  }

  private final PinnedTrust trust;
  private final HttpClient http;
  private final URI base;
  private final Optional<HttpProxy> proxy;
  private final JsonMapper json = JsonMapper.builder().build();

  /// @param base the aggregator's REST address, `https://host:port`
  /// @param pin SHA-256 of the authority's SubjectPublicKeyInfo
  /// @param proxy the way there; without it the one that Java's own properties name, if any
  public EnrolmentClient(URI base, Digest pin, Optional<HttpProxy> proxy) {
    if (!"https".equals(base.getScheme())) {
      throw new IllegalArgumentException(
          "the aggregator's address %s: must begin with https://".formatted(base));
    }
    this.base = base;
    this.proxy = proxy;
    this.trust = new PinnedTrust(pin);
    try {
      var context = SSLContext.getInstance("TLS");
      context.init(null, new TrustManager[] {trust}, new SecureRandom());
      var client = HttpClient.newBuilder().sslContext(context).connectTimeout(TIMEOUT);
      proxy.ifPresent(way -> client.proxy(way.selector()));
      this.http = client.build();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("this Java has no TLS", e);
    }
  }

  /// What a site asks to be enrolled with.
  ///
  /// @param token the invitation, as received
  /// @param request a PKCS#10 request in DER for the TLS certificate
  /// @param messageKey the raw Ed25519 public key, 32 bytes
  /// @param signature by the message key over all of this
  public record Application(String token, Bytes request, Bytes messageKey, Bytes signature) {}

  /// What the aggregator gave.
  ///
  /// @param site the name of the site in its federation
  /// @param certificatePem the site's certificate chain
  /// @param authority the aggregator's certificate authority, verified against the pin
  /// @param link the address for the site's gRPC calls
  public record Enrolled(String site, String certificatePem, X509Certificate authority, URI link) {}

  /// Enrols the site. The same application again gets an equal answer.
  ///
  /// @throws LinkException when the aggregator cannot be reached or is another one
  /// @throws RefusedByAggregator when it refuses the invitation or the request
  public Enrolled enrol(Application application)
      throws LinkException, RefusedByAggregator, InterruptedException {
    var base64 = Base64.getEncoder();
    String body =
        json.writeValueAsString(
            Map.of(
                "token", application.token(),
                "csr", base64.encodeToString(application.request().toByteArray()),
                "messageKey", HexFormat.of().formatHex(application.messageKey().toByteArray()),
                "signature", base64.encodeToString(application.signature().toByteArray())));
    var request =
        HttpRequest.newBuilder(base.resolve("/api/v1/enrolments"))
            .timeout(TIMEOUT)
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(body));
    proxy
        .flatMap(HttpProxy::authorization)
        .ifPresent(login -> request.header("Proxy-Authorization", login));
    HttpResponse<String> response;
    try {
      response = http.send(request.build(), HttpResponse.BodyHandlers.ofString());
    } catch (SSLHandshakeException e) {
      throw new LinkException(
          "the aggregator at %s is not the one that the invitation names: %s"
              .formatted(base, e.getMessage()),
          e);
    } catch (IOException e) {
      throw new LinkException(
          "no answer from the aggregator at %s%s: is it running and reachable from here?"
              .formatted(base, way()),
          e);
    }
    if (response.body() == null) { // no tunnel, so nothing came from the aggregator
      throw new LinkException(
          "no tunnel to the aggregator at %s%s: the proxy answered with status %d%s"
              .formatted(
                  base,
                  way(),
                  response.statusCode(),
                  response.statusCode() == PROXY_LOGIN ? ", it wants a user and a password" : ""));
    }
    JsonNode answer;
    try {
      answer = json.readTree(response.body());
    } catch (JacksonException e) {
      throw new LinkException(
          "the aggregator at %s answered with status %d and no JSON"
              .formatted(base, response.statusCode()),
          e);
    }
    if (response.statusCode() != CREATED) {
      throw new RefusedByAggregator(
          "status " + response.statusCode(),
          answer.path("detail").asString(answer.path("title").asString("no reason given")));
    }
    return new Enrolled(
        text(answer, "site"),
        text(answer, "certificatePem"),
        trust.authority(),
        address(text(answer, "grpcUrl")));
  }

  private String way() {
    return proxy.map(known -> " through the proxy " + known.address()).orElse("");
  }

  /// `host:port`, with or without `https://` before it.
  private static URI address(String text) throws RefusedByAggregator {
    try {
      return URI.create(text.startsWith("https://") ? text : "https://" + text);
    } catch (IllegalArgumentException e) {
      throw new RefusedByAggregator(
          "incomplete answer", "the aggregator gives %s as its gRPC address".formatted(text));
    }
  }

  private static String text(JsonNode answer, String field) throws RefusedByAggregator {
    JsonNode value = answer.path(field);
    if (!value.isString()) {
      throw new RefusedByAggregator(
          "incomplete answer", "the answer to the enrolment lacks the text field " + field);
    }
    return value.asString();
  }

  @Override
  public void close() {
    http.close();
  }
}
