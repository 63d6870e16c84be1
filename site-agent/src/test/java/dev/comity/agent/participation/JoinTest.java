package dev.comity.agent.participation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.comity.agent.link.LinkException;
import dev.comity.agent.link.RefusedByAggregator;
import dev.comity.membership.MessageKey;
import dev.comity.membership.RefusedSignatureException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JoinTest {
  private final Join join = new Join(Clock.systemUTC());
  private TestEnrolments server;

  @TempDir Path folder;

  @BeforeEach
  void serve() throws Exception {
    server = new TestEnrolments(new TestAuthority(), URI.create("https://localhost:1"));
  }

  @AfterEach
  void stop() {
    server.close();
  }

  @Test
  void aSiteMakesItsOwnKeysAndGetsACertificate() throws Exception {
    var site = new SiteDirectory(folder.resolve("site"));

    var joined = join.join(site, server.invite("site-1"), Optional.empty(), 0);

    assertThat(joined.repeated()).isFalse();
    assertThat(server.enrolled.values()).containsExactly(joined.messageKey());
    assertThat(AgentSettings.read(site)).isEqualTo(joined.settings());
    assertThat(Files.readString(site.keys().resolve("ca.crt")))
        .isEqualTo(TestAuthority.pem(server.authority.certificate()));
    for (String secret : new String[] {"message.key", "tls.key", "site.secret"}) {
      assertThat(
              PosixFilePermissions.toString(
                  Files.getPosixFilePermissions(site.keys().resolve(secret))))
          .isEqualTo("rw-------");
    }
    assertThat(server.bodies.getFirst()).doesNotContain("PRIVATE");
  }

  @Test
  void joiningAgainChangesNothing() throws Exception {
    var site = new SiteDirectory(folder.resolve("site"));
    String token = server.invite("site-1");
    var first = join.join(site, token, Optional.empty(), 0);
    Map<String, String> before = contents(site);

    var second = join.join(site, token, Optional.empty(), 0);

    assertThat(second.repeated()).isTrue();
    assertThat(second.settings()).isEqualTo(first.settings());
    assertThat(contents(site)).isEqualTo(before);
    assertThat(server.bodies).hasSize(1);
  }

  @Test
  void anInterruptedJoinSendsTheVerySameEnrolmentAgain() throws Exception {
    var site = new SiteDirectory(folder.resolve("site"));
    String token = server.invite("site-1");
    join.join(site, token, Optional.empty(), 0);
    Files.delete(site.settings());
    Files.delete(site.keys().resolve("tls.crt"));

    var again = join.join(site, token, Optional.empty(), 0);

    assertThat(again.repeated()).isFalse();
    assertThat(server.bodies).hasSize(2);
    assertThat(server.bodies.get(1)).isEqualTo(server.bodies.get(0));
  }

  @Test
  void aKeyThatIsThereIsKept() throws Exception {
    var site = new SiteDirectory(folder.resolve("site"));
    Files.createDirectories(site.keys());
    var key = MessageKey.generate();
    key.write(site.keys().resolve("message.key"));
    byte[] secret = new byte[32];
    secret[0] = 7;
    Files.write(site.keys().resolve("site.secret"), secret);

    var joined = join.join(site, server.invite("site-1"), Optional.empty(), 0);

    assertThat(joined.messageKey()).isEqualTo(key.publicKey());
    assertThat(Files.readAllBytes(site.keys().resolve("site.secret"))).isEqualTo(secret);
  }

  @Test
  void aServerOfAnotherAuthorityIsRefusedBeforeTheTokenIsShown() throws Exception {
    var site = new SiteDirectory(folder.resolve("site"));
    String token = server.invite("site-1", Instant.now().plusSeconds(60), new TestAuthority());

    assertThatThrownBy(() -> join.join(site, token, Optional.empty(), 0))
        .isInstanceOf(LinkException.class)
        .hasMessageContaining("not the one that the invitation names");

    assertThat(server.bodies).isEmpty();
    assertThat(site.settings()).doesNotExist();
  }

  @Test
  void anExpiredInvitationIsRefused() {
    var site = new SiteDirectory(folder.resolve("site"));
    String token = server.invite("site-1", Instant.parse("2020-01-01T00:00:00Z"), server.authority);

    assertThatThrownBy(() -> join.join(site, token, Optional.empty(), 0))
        .isInstanceOf(RefusedSettings.class)
        .hasMessageContaining("expired at 2020-01-01T00:00:00Z");
    assertThat(site.keys()).doesNotExist();
  }

  @Test
  void aChangedInvitationIsRefused() {
    String token = server.invite("site-1");
    String changed =
        token.substring(0, token.length() - 6) + (token.endsWith("AAAAAA") ? "BBBBBB" : "AAAAAA");

    assertThatThrownBy(() -> join.join(new SiteDirectory(folder), changed, Optional.empty(), 0))
        .isInstanceOf(RefusedSignatureException.class);
  }

  @Test
  void aUsedInvitationIsRefusedWithTheAggregatorsReason() throws Exception {
    String token = server.invite("site-1");
    join.join(new SiteDirectory(folder.resolve("a")), token, Optional.empty(), 0);

    assertThatThrownBy(
            () -> join.join(new SiteDirectory(folder.resolve("b")), token, Optional.empty(), 0))
        .isInstanceOf(RefusedByAggregator.class)
        .hasMessageContaining("the invitation was used");
  }

  @Test
  void aDirectoryBelongsToOneSite() throws Exception {
    var site = new SiteDirectory(folder.resolve("site"));
    join.join(site, server.invite("site-1"), Optional.empty(), 0);

    assertThatThrownBy(() -> join.join(site, server.invite("site-2"), Optional.empty(), 0))
        .isInstanceOf(RefusedSettings.class)
        .hasMessageContaining("belongs to site site-1");
  }

  private static Map<String, String> contents(SiteDirectory site) throws Exception {
    var contents = new TreeMap<String, String>();
    try (var files = Files.walk(site.path())) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        contents.put(file.toString(), dev.comity.plan.Digest.of(Files.readAllBytes(file)).hex());
      }
    }
    return contents;
  }
}
