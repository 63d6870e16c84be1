package dev.comity.agent.participation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.comity.agent.link.HttpProxy;
import dev.comity.agent.link.LinkException;
import dev.comity.membership.MessageKey;
import dev.comity.plan.SiteId;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// A site whose only way out is a proxy: the aggregator's name means nothing on its machine.
class ProxyTest {
  private static final SiteId SITE = new SiteId("site-1");

  @TempDir private Path folder;
  private TestAggregator aggregator;
  private Path password;

  @BeforeEach
  void serve() throws Exception {
    aggregator = new TestAggregator(Files.createDirectories(folder.resolve("spool")));
    password = Files.writeString(folder.resolve("proxy-password"), "s3cret päss\n");
  }

  @AfterEach
  void stop() {
    aggregator.close();
  }

  @Test
  void enrolmentAndEveryCallGoThroughTheProxyThatTheSettingsName() throws Exception {
    var site = new SiteDirectory(folder.resolve("site"));
    try (var proxy = new ConnectProxy(Optional.of("ministry:s3cret päss"))) {
      TestSites.join(
          aggregator,
          site,
          SITE,
          new HttpProxy(proxy.address(), Optional.of(new HttpProxy.Login("ministry", password))));
      var enrolments = proxy.requests.size();
      behindTheProxy(site);

      try (var agent = Agent.open(site, Clock.systemUTC(), List.of())) {
        Thread.ofVirtual().start(agent::run);
        aggregator.await("the site said hello", () -> aggregator.greeted(SITE));
      }

      assertThat(enrolments).isPositive();
      assertThat(proxy.requests.size()).isGreaterThan(enrolments);
      assertThat(proxy.requests).allMatch(line -> line.startsWith("CONNECT aggregator.test:"));
      assertThat(proxy.firstBytes).isNotEmpty().containsOnly(22);
    }
  }

  @Test
  void aProxyWithoutALoginNeedsNone() throws Exception {
    var site = new SiteDirectory(folder.resolve("site"));
    try (var proxy = new ConnectProxy(Optional.empty())) {
      TestSites.join(aggregator, site, SITE, new HttpProxy(proxy.address(), Optional.empty()));

      assertThat(proxy.requests).isNotEmpty();
      assertThat(AgentSettings.read(site).proxy().orElseThrow().address())
          .isEqualTo(proxy.address());
    }
  }

  @Test
  void aProxyThatRefusesIsNamedAndThePasswordIsNot() throws Exception {
    var site = new SiteDirectory(folder.resolve("site"));
    try (var proxy = new ConnectProxy(Optional.of("ministry:another"))) {
      var way =
          new HttpProxy(proxy.address(), Optional.of(new HttpProxy.Login("ministry", password)));

      assertThatThrownBy(() -> TestSites.join(aggregator, site, SITE, way))
          .isInstanceOf(LinkException.class)
          .hasMessageContaining("through the proxy " + proxy.address())
          .hasMessageContaining("status 407, it wants a user and a password")
          .hasMessageNotContaining("s3cret");
      assertThat(site.settings()).doesNotExist();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "https://proxy:3128",
        "http://proxy",
        "http://user:hush@proxy:3128",
        "http://proxy:3128/path",
        "proxy:3128"
      })
  void anAddressThatIsNoProxyIsRefusedWithTheForm(String address) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new HttpProxy(URI.create(address), Optional.empty()))
        .withMessageContaining("must look like http://host:port")
        .satisfies(refusal -> assertThat(refusal).hasMessageNotContaining("hush"));
  }

  @Test
  void aLoginWithoutAProxyAndAUserWithoutAPasswordAreRefused() throws Exception {
    var site = new SiteDirectory(Files.createDirectory(folder.resolve("site")));
    String known =
        """
        federation: test
        site: site-1
        consortiumKey: "%s"
        aggregator: https://aggregator.test:9443
        """
            .formatted(MessageKey.generate().publicKey().hex());

    Files.writeString(site.settings(), known + "proxyUser: ministry\n");
    assertThatThrownBy(() -> AgentSettings.read(site))
        .isInstanceOf(RefusedSettings.class)
        .hasMessageContaining("proxyUser or proxyPasswordFile without proxy");

    Files.writeString(
        site.settings(), known + "proxy: http://127.0.0.1:3128\nproxyUser: ministry\n");
    assertThatThrownBy(() -> AgentSettings.read(site))
        .isInstanceOf(RefusedSettings.class)
        .hasMessageContaining("proxyPasswordFile is missing");
  }

  /// Gives the aggregator's gRPC address the name that only the proxy knows.
  private static void behindTheProxy(SiteDirectory site) throws Exception {
    var settings = Files.readString(site.settings());
    assertThat(settings).contains("https://localhost:");
    Files.writeString(
        site.settings(),
        settings.replace("https://localhost:", "https://" + ConnectProxy.NAME + ":"));
  }
}
