package dev.comity.agent.link;

import io.grpc.HttpConnectProxiedSocketAddress;
import io.grpc.ProxyDetector;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ProxySelector;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Optional;

/// A proxy through which the site reaches its aggregator: it opens a tunnel by HTTP `CONNECT` and
/// sees nothing of what goes through it, since TLS ends at the aggregator. The proxy resolves the
/// aggregator's name.
///
/// @param address `http://host:port`
/// @param login what the proxy wants to know, if anything
public record HttpProxy(URI address, Optional<Login> login) {
  private static final int LAST_PORT = 65_535;

  /// What a proxy asks of who uses it.
  ///
  /// @param passwordFile read at each start; its first line is the password
  public record Login(String user, Path passwordFile) {
    public Login {
      if (user.isEmpty() || user.contains(":")) {
        throw new IllegalArgumentException(
            "the proxy's user \"%s\": must be a name without a colon".formatted(user));
      }
    }

    private String password() {
      try (var lines = Files.lines(passwordFile, StandardCharsets.UTF_8)) {
        return lines
            .findFirst()
            .filter(line -> !line.isEmpty())
            .orElseThrow(() ->
                new IllegalArgumentException(
                    "the proxy's password file %s is empty: write the password into it"
                        .formatted(passwordFile)));
      } catch (IOException e) {
        throw new IllegalArgumentException(
            "the proxy's password file %s cannot be read: %s"
                .formatted(passwordFile, e.getMessage()),
            e);
      }
    }
  }

  public HttpProxy {
    if (!"http".equals(address.getScheme())
        || address.getHost() == null
        || address.getPort() < 1
        || address.getPort() > LAST_PORT
        || address.getRawUserInfo() != null
        || !(address.getRawPath().isEmpty() || address.getRawPath().equals("/"))) {
      throw new IllegalArgumentException(
          "the proxy %s: must look like http://host:port; user and password file are settings of their own"
              .formatted(
                  address.getRawUserInfo() == null ? address : "with a user in its address"));
    }
  }

  /// For gRPC's channel: the target's name is left for the proxy to resolve.
  ///
  /// @throws IllegalArgumentException when the password cannot be read
  ProxyDetector detector() {
    Optional<String> password = login.map(Login::password);
    return target -> {
      if (!(target instanceof InetSocketAddress destination)) {
        throw new IOException("no proxy for " + target);
      }
      var proxied =
          HttpConnectProxiedSocketAddress.newBuilder()
              .setProxyAddress(resolved())
              .setTargetAddress(destination);
      login.ifPresent(known -> proxied.setUsername(known.user()));
      password.ifPresent(proxied::setPassword);
      return proxied.build();
    };
  }

  private InetSocketAddress resolved() throws IOException {
    var known = new InetSocketAddress(address.getHost(), address.getPort());
    if (known.isUnresolved()) {
      throw new IOException("the proxy's name %s is not known here".formatted(address.getHost()));
    }
    return known;
  }

  /// For the JDK's HTTP client.
  ProxySelector selector() {
    return ProxySelector.of(new InetSocketAddress(address.getHost(), address.getPort()));
  }

  /// The header `Proxy-Authorization`; RFC 7617.
  ///
  /// @throws IllegalArgumentException when the password cannot be read
  Optional<String> authorization() {
    return login.map(known ->
        "Basic "
            + Base64.getEncoder()
                .encodeToString(
                    (known.user() + ":" + known.password()).getBytes(StandardCharsets.UTF_8)));
  }
}
