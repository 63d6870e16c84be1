package dev.comity.aggregator;

import dev.comity.codec.Bytes;
import dev.comity.membership.ArchitecturePattern;
import dev.comity.membership.EnrolmentRequest;
import dev.comity.membership.Invitation;
import dev.comity.membership.MembershipEpoch;
import dev.comity.membership.MessageKey;
import dev.comity.membership.MessagePublicKey;
import dev.comity.membership.SignedInvitation;
import dev.comity.membership.SignedMembership;
import dev.comity.plan.Digest;
import dev.comity.plan.FederationId;
import dev.comity.plan.SiteId;
import java.io.IOException;
import java.io.UncheckedIOException;
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
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// The whole aggregator in this process, over an embedded PostgreSQL and real TLS, with a
/// consortium beside it.
public final class TestFederation implements AutoCloseable {
  public static final JsonMapper JSON = JsonMapper.builder().build();
  public static final FederationId NAME = new FederationId("north");

  public final MessageKey consortium;
  public final Path directory;
  public final ConfigurableApplicationContext context;
  private final HttpClient http;

  private TestFederation(Path directory, MessageKey consortium, String... more)
      throws IOException, GeneralSecurityException {
    this.directory = directory;
    this.consortium = consortium;
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "--comity.federation=" + NAME.value(),
                "--comity.consortium-key=" + consortium.publicKey().displayFingerprint(),
                "--comity.database=embedded",
                "--comity.data-dir=" + directory,
                "--comity.rest.port=0",
                "--comity.grpc.port=0"));
    arguments.addAll(List.of(more));
    this.context =
        new SpringApplicationBuilder(AggregatorApplication.class)
            .run(arguments.toArray(String[]::new));
    this.http = HttpClient.newBuilder().sslContext(trusting(authority())).build();
  }

  public static TestFederation start(Path directory, String... more)
      throws IOException, GeneralSecurityException {
    return new TestFederation(directory, MessageKey.generate(), more);
  }

  /// The same aggregator again.
  public TestFederation restarted() throws IOException, GeneralSecurityException {
    context.close();
    return new TestFederation(directory, consortium);
  }

  public Path authority() {
    return directory.resolve("keys/ca.crt");
  }

  public static SSLContext trusting(Path certificate) throws IOException, GeneralSecurityException {
    var trusted = KeyStore.getInstance("PKCS12");
    trusted.load(null, null);
    try (var in = Files.newInputStream(certificate)) {
      trusted.setCertificateEntry(
          "authority", CertificateFactory.getInstance("X.509").generateCertificate(in));
    }
    var managers = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    managers.init(trusted);
    var tls = SSLContext.getInstance("TLS");
    tls.init(null, managers.getTrustManagers(), null);
    return tls;
  }

  public HttpClient http() {
    return http;
  }

  public URI uri(String path) {
    return URI.create(
        "https://localhost:" + context.getEnvironment().getProperty("local.server.port") + path);
  }

  public int grpcPort() {
    var address = send("GET", "/api/v1/federation", "").body().get("grpcUrl").stringValue();
    return URI.create(address).getPort();
  }

  /// An answer and its body as JSON, a missing node when it has none.
  public record Answer(int status, HttpResponse<String> response, JsonNode body) {
    public String header(String name) {
      return response.headers().firstValue(name).orElse("");
    }
  }

  public Answer send(String method, String path, String body, String... headers) {
    var request =
        HttpRequest.newBuilder(uri(path))
            .timeout(Duration.ofSeconds(60))
            .method(
                method, body.isEmpty() ? BodyPublishers.noBody() : BodyPublishers.ofString(body));
    if (!body.isEmpty()) {
      request.header("Content-Type", "application/json");
    }
    if (headers.length > 0) {
      request.headers(headers);
    }
    try {
      var response = http.send(request.build(), BodyHandlers.ofString());
      var type = response.headers().firstValue("Content-Type").orElse("");
      return new Answer(
          response.statusCode(),
          response,
          JSON.readTree(type.contains("json") ? response.body() : "null"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  public String password() throws IOException {
    return Files.readString(directory.resolve("initial-password"));
  }

  /// A token of the role, made as the administrator would.
  public String token(String role) throws IOException {
    var signedIn = signIn();
    var made =
        send(
            "POST",
            "/api/v1/tokens",
            JSON.writeValueAsString(Map.of("name", "test", "role", role)),
            "Cookie",
            signedIn.cookies(),
            "X-XSRF-TOKEN",
            signedIn.csrf());
    return made.body().get("token").stringValue();
  }

  /// Header of a bearer token.
  public static String[] bearer(String token) {
    return new String[] {"Authorization", "Bearer " + token};
  }

  /// What a browser holds after signing in.
  public record SignedIn(String cookies, String csrf) {}

  public SignedIn signIn() throws IOException {
    var login =
        send(
            "POST",
            "/api/v1/session",
            JSON.writeValueAsString(Map.of("username", "admin", "password", password())));
    var session = cookie(login, "__Host-comity");
    var shown = send("GET", "/api/v1/session", "", "Cookie", session);
    var csrf = cookie(shown, "XSRF-TOKEN");
    return new SignedIn(session + "; " + csrf, csrf.substring(csrf.indexOf('=') + 1));
  }

  private static String cookie(Answer answer, String name) {
    return answer.response().headers().allValues("Set-Cookie").stream()
        .filter(cookie -> cookie.startsWith(name + "="))
        .map(cookie -> cookie.substring(0, cookie.indexOf(';')))
        .findFirst()
        .orElseThrow(() -> new AssertionError("no cookie " + name + " in " + answer));
  }

  public Invitation invitation(String site, Instant expiresAt) {
    return invitation(NAME, site, expiresAt, consortium.publicKey());
  }

  public Invitation invitation(
      FederationId federation, String site, Instant expiresAt, MessagePublicKey issuer) {
    return new Invitation(
        federation,
        new SiteId(site),
        Invitation.newNonce(),
        expiresAt.truncatedTo(ChronoUnit.MILLIS),
        URI.create("https://localhost"),
        Digest.of(new byte[0]),
        issuer);
  }

  public String token(Invitation invitation) {
    return SignedInvitation.sign(invitation, consortium).token();
  }

  public Answer enrol(TestSite site) {
    return enrol(site, token(invitation(site.name(), Instant.now().plusSeconds(600))));
  }

  public Answer enrol(TestSite site, String token) {
    return send("POST", "/api/v1/enrolments", enrolment(site, token));
  }

  public static String enrolment(TestSite site, String token) {
    var csr = site.csr(); // once: an ECDSA signature is another one every time
    var request = EnrolmentRequest.sign(token, Bytes.of(csr), site.message());
    return JSON.writeValueAsString(
        Map.of(
            "token",
            token,
            "csr",
            Base64.getEncoder().encodeToString(csr),
            "messageKey",
            site.message().publicKey().hex(),
            "signature",
            Base64.getEncoder().encodeToString(request.signature().toByteArray())));
  }

  /// The next epoch with exactly these members.
  public SignedMembership membership(TestSite... members) {
    return SignedMembership.sign(epoch(members), consortium);
  }

  public MembershipEpoch epoch(TestSite... members) {
    return epoch("left", members);
  }

  /// As the other; whoever is no longer among the members is revoked for `reason`.
  public MembershipEpoch epoch(String reason, TestSite... members) {
    var current = current();
    var before = current.map(signed -> signed.verify(consortium.publicKey()));
    long version = before.map(MembershipEpoch::version).orElse(0L) + 1;
    var now = Instant.now().truncatedTo(ChronoUnit.MILLIS);
    var revocations = new ArrayList<MembershipEpoch.Revocation>();
    before.ifPresent(epoch -> {
      revocations.addAll(epoch.revocations());
      epoch.members().stream()
          .filter(member ->
              List.of(members).stream()
                  .noneMatch(site -> site.message().publicKey().equals(member.key())))
          .forEach(member ->
              revocations.add(
                  new MembershipEpoch.Revocation(
                      Optional.of(member.site()), member.key().fingerprint(), now, reason)));
    });
    return new MembershipEpoch(
        NAME,
        version,
        now,
        now.plus(Duration.ofDays(30)),
        aggregator(),
        List.of(members).stream()
            .map(site ->
                new MembershipEpoch.Member(new SiteId(site.name()), site.message().publicKey()))
            .toList(),
        revocations,
        0,
        List.of(new ArchitecturePattern("mlp"), new ArchitecturePattern("logistic-regression")),
        current.map(SignedMembership::digest),
        before.map(MembershipEpoch::handOvers).orElse(List.of()));
  }

  public MessagePublicKey aggregator() {
    return MessagePublicKey.fromHex(
        send("GET", "/api/v1/federation", "").body().get("messageKey").stringValue());
  }

  private Optional<SignedMembership> current() {
    var answer = send("GET", "/api/v1/membership", "");
    return answer.status() == 404
        ? Optional.empty()
        : Optional.of(
            new SignedMembership(
                decoded(answer.body().get("document")), decoded(answer.body().get("signature"))));
  }

  private static Bytes decoded(JsonNode base64) {
    return Bytes.of(Base64.getDecoder().decode(base64.stringValue()));
  }

  public Answer admit(SignedMembership signed, String adminToken) {
    return send("PUT", "/api/v1/membership", membershipBody(signed), bearer(adminToken));
  }

  public static String membershipBody(SignedMembership signed) {
    return JSON.writeValueAsString(
        Map.of(
            "document",
            Base64.getEncoder().encodeToString(signed.document().toByteArray()),
            "signature",
            Base64.getEncoder().encodeToString(signed.signature().toByteArray())));
  }

  @Override
  public void close() {
    context.close();
  }
}
