package dev.comity.agent.resources.source;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ProxySelector;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Something on the site's network that answers GET with JSON. Follows no redirect, uses no proxy,
/// reads at most 1 MiB, and is done by the time-out whatever happens.
public final class JsonEndpoint implements AutoCloseable {
  private static final JsonMapper JSON = JsonMapper.builder().build();
  private static final long MOST_BYTES = 1L << 20;
  private static final int OK = 200;

  private final URI address;
  private final Optional<Credentials> credentials;
  private final Duration timeout;
  private final HttpClient http;

  /// @param authority PEM file with the only certificates that an https address may be signed by;
  ///   without it those that the JDK trusts
  /// @throws IllegalArgumentException also when credentials would travel in plain to another
  ///   machine
  public JsonEndpoint(
      URI address, Optional<Path> authority, Optional<Credentials> credentials, Duration timeout) {
    boolean secure = "https".equals(address.getScheme());
    if ((!secure && !"http".equals(address.getScheme())) || address.getHost() == null) {
      throw new IllegalArgumentException(
          "url %s: must be an http or https address".formatted(address));
    }
    if (address.getUserInfo() != null) {
      throw new IllegalArgumentException(
          "url at %s: holds a password; put it into a file and name that under basic"
              .formatted(address.getHost()));
    }
    if (authority.isPresent() && !secure) {
      throw new IllegalArgumentException("url %s: ca is for https addresses".formatted(address));
    }
    if (credentials.isPresent() && !secure && !loopback(address.getHost())) {
      throw new IllegalArgumentException(
          "url %s: credentials would travel in plain; use https".formatted(address));
    }
    this.address = address;
    this.credentials = credentials;
    this.timeout = timeout;
    var builder =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .followRedirects(HttpClient.Redirect.NEVER)
            .proxy(ProxySelector.of(null))
            .connectTimeout(timeout);
    authority.ifPresent(file -> builder.sslContext(trusting(file)));
    this.http = builder.build();
  }

  private static boolean loopback(String host) {
    return host.equals("localhost")
        || (host.matches("[0-9.]+|\\[[0-9a-f:]+]")
            && InetAddress.ofLiteral(unbracketed(host)).isLoopbackAddress());
  }

  private static String unbracketed(String host) {
    return host.startsWith("[") ? host.substring(1, host.length() - 1) : host;
  }

  private static SSLContext trusting(Path file) {
    try (InputStream in = Files.newInputStream(file)) {
      var store = KeyStore.getInstance(KeyStore.getDefaultType());
      store.load(null, null);
      int number = 0;
      for (Certificate each : CertificateFactory.getInstance("X.509").generateCertificates(in)) {
        store.setCertificateEntry("ca-" + number++, each);
      }
      if (number == 0) {
        throw new IllegalArgumentException("ca %s: holds no certificate in PEM".formatted(file));
      }
      var trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
      trust.init(store);
      var context = SSLContext.getInstance("TLS");
      context.init(null, trust.getTrustManagers(), null);
      return context;
    } catch (IOException | GeneralSecurityException e) {
      throw new IllegalArgumentException(
          "ca %s: cannot be read as certificates in PEM".formatted(file), e);
    }
  }

  /// What the address answers.
  JsonNode get() throws IOException, InterruptedException {
    return get("");
  }

  /// As the other, with `suffix` added to the address.
  JsonNode get(String suffix) throws IOException, InterruptedException {
    var request =
        HttpRequest.newBuilder(URI.create(address + suffix)).header("Accept", "application/json");
    credentials.ifPresent(each -> request.header("Authorization", each.header()));
    var answer =
        http.sendAsync(
            request.build(),
            HttpResponse.BodyHandlers.limiting(
                HttpResponse.BodyHandlers.ofByteArray(), MOST_BYTES));
    try {
      var response = answer.get(timeout.toNanos(), TimeUnit.NANOSECONDS);
      JsonNode content = parsed(response.body());
      if (response.statusCode() != OK) {
        throw new IOException("%s answers with status %d".formatted(host(), response.statusCode()));
      }
      if (content == null) {
        throw new IOException("%s answers with something else than JSON".formatted(host()));
      }
      return content;
    } catch (TimeoutException e) {
      throw new IOException(
          "%s does not answer within %d ms".formatted(host(), timeout.toMillis()), e);
    } catch (ExecutionException e) {
      throw new IOException("%s cannot be asked: %s".formatted(host(), reason(e.getCause())), e);
    } finally {
      answer.cancel(true);
    }
  }

  private static @Nullable JsonNode parsed(byte[] body) {
    try {
      return JSON.readTree(body);
    } catch (JacksonException e) {
      return null;
    }
  }

  private static String reason(@Nullable Throwable cause) {
    if (cause == null) {
      return "unknown";
    }
    String kind = cause.getClass().getSimpleName();
    return cause.getMessage() == null ? kind : kind + ", " + cause.getMessage();
  }

  private String host() {
    return address.getHost();
  }

  @Override
  public void close() {
    http.shutdownNow();
  }
}
