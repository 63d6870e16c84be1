package dev.comity.agent.participation;

import dev.comity.agent.link.HttpProxy;
import dev.comity.agent.protection.DurableFile;
import dev.comity.membership.MessagePublicKey;
import dev.comity.plan.FederationId;
import dev.comity.plan.SiteId;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// `agent.yaml`: which federation this site joined, under which name, and how to reach it.
///
/// @param consortium the key whose signature makes a membership
/// @param aggregator `https://host:port` for the site's calls
/// @param mapping how the site's data become examples
/// @param statusPort port of the status page on loopback; 0 takes any free one
/// @param proxy the way to the aggregator, where no direct one is allowed
public record AgentSettings(
    FederationId federation,
    SiteId site,
    MessagePublicKey consortium,
    URI aggregator,
    Path mapping,
    int statusPort,
    Optional<HttpProxy> proxy) {
  public static final int DEFAULT_STATUS_PORT = 8081;
  private static final int LAST_PORT = 65_535;

  public AgentSettings {
    if (statusPort < 0 || statusPort > LAST_PORT) {
      throw new IllegalArgumentException(
          "statusPort %d: must be 0 to %d".formatted(statusPort, LAST_PORT));
    }
  }

  private record Document(
      @Nullable String federation,
      @Nullable String site,
      @Nullable String consortiumKey,
      @Nullable String aggregator,
      @Nullable String mapping,
      @Nullable Integer statusPort,
      @Nullable String proxy,
      @Nullable String proxyUser,
      @Nullable String proxyPasswordFile) {
    Optional<HttpProxy> way(SiteDirectory directory) {
      boolean login = proxyUser != null || proxyPasswordFile != null;
      if (proxy == null) {
        if (login) {
          throw new IllegalArgumentException(
              "proxyUser or proxyPasswordFile without proxy: set proxy to http://host:port");
        }
        return Optional.empty();
      }
      return Optional.of(
          new HttpProxy(
              URI.create(proxy),
              login
                  ? Optional.of(
                      new HttpProxy.Login(
                          required("proxyUser", proxyUser),
                          directory
                              .path()
                              .resolve(required("proxyPasswordFile", proxyPasswordFile))))
                  : Optional.empty()));
    }
  }

  /// Reads `agent.yaml`; refuses unknown keys.
  public static AgentSettings read(SiteDirectory directory) {
    Path file = directory.settings();
    if (!Files.exists(file)) {
      throw new RefusedSettings(
          "%s does not exist: join a federation first (site-agent join --help)".formatted(file));
    }
    Document document = StrictYaml.read(file, Document.class);
    try {
      Integer port = document.statusPort();
      String mapping = document.mapping();
      return new AgentSettings(
          new FederationId(required("federation", document.federation())),
          new SiteId(required("site", document.site())),
          MessagePublicKey.fromHex(required("consortiumKey", document.consortiumKey())),
          URI.create(required("aggregator", document.aggregator())),
          directory.path().resolve(mapping == null ? "mapping.yaml" : mapping),
          port == null ? DEFAULT_STATUS_PORT : port,
          document.way(directory));
    } catch (IllegalArgumentException e) {
      throw new RefusedSettings("%s: %s".formatted(file, e.getMessage()), e);
    }
  }

  /// Writes `agent.yaml`.
  void write(SiteDirectory directory) {
    String yaml =
        """
        federation: "%s"
        site: "%s"
        consortiumKey: "%s"
        aggregator: "%s"
        mapping: "%s"
        statusPort: %d
        """
            .formatted(
                federation,
                site,
                consortium.hex(),
                aggregator,
                quotable(mapping.toString()),
                statusPort);
    var way = new StringBuilder();
    proxy.ifPresent(known -> {
      way.append("proxy: \"%s\"\n".formatted(known.address()));
      known
          .login()
          .ifPresent(login ->
              way.append(
                  "proxyUser: \"%s\"\nproxyPasswordFile: \"%s\"\n"
                      .formatted(
                          quotable(login.user()), quotable(login.passwordFile().toString()))));
    });
    new DurableFile(directory.settings()).write((yaml + way).getBytes(StandardCharsets.UTF_8));
  }

  private static String quotable(String text) {
    return text.replace("\\", "\\\\").replace("\"", "\\\"");
  }

  private static String required(String key, @Nullable String value) {
    if (value == null) {
      throw new IllegalArgumentException("key %s is missing".formatted(key));
    }
    return value;
  }
}
