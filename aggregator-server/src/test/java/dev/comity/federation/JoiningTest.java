package dev.comity.federation;

import static dev.comity.aggregator.TestFederation.bearer;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import dev.comity.aggregator.TestFederation;
import dev.comity.aggregator.TestSite;
import dev.comity.membership.KeySuccession;
import dev.comity.membership.MembershipEpoch;
import dev.comity.membership.MessageKey;
import dev.comity.membership.SignedInvitation;
import dev.comity.membership.SignedMembership;
import dev.comity.plan.Digest;
import dev.comity.plan.FederationId;
import dev.comity.plan.SiteId;
import dev.comity.protocol.v1.HelloRequest;
import dev.comity.protocol.v1.HelloResponse;
import dev.comity.protocol.v1.MembershipState;
import dev.comity.protocol.v1.NextAssignmentRequest;
import dev.comity.protocol.v1.SiteServiceGrpc;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.TlsChannelCredentials;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.time.Clock;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Date;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import javax.security.auth.x500.X500Principal;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Invitation, enrolment, membership and the sites' port, over real TLS.
class JoiningTest {
  @TempDir static Path directory;
  private static TestFederation federation;
  private static String admin;

  @BeforeAll
  static void start() throws IOException, GeneralSecurityException {
    federation = TestFederation.start(directory);
    admin = federation.token("ADMIN");
  }

  @AfterAll
  static void stop() {
    federation.close();
  }

  @Test
  void aSiteIsPendingUntilAMembershipListsItAndMayOnlyGreetMeanwhile() throws Exception {
    var site = TestSite.named("waiting");

    var enrolled = federation.enrol(site);

    assertThat(enrolled.status()).isEqualTo(201);
    assertThat(enrolled.body().get("state").stringValue()).isEqualTo("PENDING");
    var channel = channel(site, enrolled);
    try {
      assertThat(hello(channel, site).getAccepted().getState())
          .isEqualTo(MembershipState.MEMBERSHIP_STATE_PENDING);
      refused(channel, Status.Code.FAILED_PRECONDITION, "site waiting is pending");
    } finally {
      stop(channel);
    }
  }

  @Test
  void anAdmittedSiteIsActiveAndALaterMembershipWithoutItRevokesIt() throws Exception {
    var site = TestSite.named("admitted");
    var channel = channel(site, federation.enrol(site));
    try {
      assertThat(federation.admit(federation.membership(site), admin).status()).isEqualTo(204);
      assertThat(hello(channel, site).getAccepted().getState())
          .isEqualTo(MembershipState.MEMBERSHIP_STATE_ACTIVE);

      assertThat(federation.admit(federation.membership(), admin).status()).isEqualTo(204);

      assertThatExceptionOfType(StatusRuntimeException.class)
          .isThrownBy(() -> hello(channel, site))
          .satisfies(refusal -> {
            assertThat(refusal.getStatus().getCode()).isEqualTo(Status.Code.PERMISSION_DENIED);
            assertThat(refusal.getStatus().getDescription()).contains("was revoked");
          });
    } finally {
      stop(channel);
    }
  }

  @Test
  void theSitesPortWantsACertificate() throws Exception {
    var channel =
        TestSite.channel(
            federation.grpcPort(),
            TlsChannelCredentials.newBuilder()
                .trustManager(federation.authority().toFile())
                .build());
    try {
      assertThatExceptionOfType(StatusRuntimeException.class)
          .isThrownBy(() ->
              SiteServiceGrpc.newBlockingStub(channel)
                  .withDeadlineAfter(20, TimeUnit.SECONDS)
                  .hello(HelloRequest.getDefaultInstance()))
          .satisfies(refusal ->
              assertThat(refusal.getStatus().getCode()).isEqualTo(Status.Code.UNAVAILABLE));
    } finally {
      stop(channel);
    }
  }

  @Test
  void aCertificateOfAnotherAuthorityDoesNotPassTheHandshake(@TempDir Path elsewhere)
      throws Exception {
    var site = TestSite.named("stranger");
    var other =
        CertificateAuthority.open(
            new DataDirectory(elsewhere), TestFederation.NAME, Clock.systemUTC());
    var channel =
        site.channel(
            federation.grpcPort(),
            federation.authority(),
            other.issueFor(new SiteId("stranger"), site.csr()).pem());
    try {
      refused(channel, Status.Code.UNAVAILABLE, "");
    } finally {
      stop(channel);
    }
  }

  @Test
  void aCertificateThatNamesAnotherFederationIsRefusedByName() throws Exception {
    var site = TestSite.named("stranger");
    var channel =
        site.channel(
            federation.grpcPort(),
            federation.authority(),
            signedByOurAuthority(site, "comity://south/stranger"));
    try {
      refused(
          channel,
          Status.Code.PERMISSION_DENIED,
          "the certificate belongs to federation south, this aggregator serves north");
    } finally {
      stop(channel);
    }
  }

  @Test
  void aSiteThatNeverEnrolledIsRefusedEvenWithACertificateOfOurs() throws Exception {
    var site = TestSite.named("unknown-site");
    var authority = federation.context.getBean(CertificateAuthority.class);
    var channel =
        site.channel(
            federation.grpcPort(),
            federation.authority(),
            authority.issueFor(new SiteId("unknown-site"), site.csr()).pem());
    try {
      refused(channel, Status.Code.PERMISSION_DENIED, "site unknown-site is not enrolled");
    } finally {
      stop(channel);
    }
  }

  @Test
  void theCertificateThatAskedPassesUntilTheRenewedOneIsUsedToAsk() throws Exception {
    var site = TestSite.named("renewing");
    var first = federation.enrol(site).body().get("certificatePem").stringValue();
    var enrolments = federation.context.getBean(Enrolments.class);
    var name = new SiteId("renewing");
    enrolments.renew(name, site.csr(), serial(first)); // its answer is lost
    var second = enrolments.renew(name, site.csr(), serial(first)).pem();
    for (var chain : List.of(first, second)) {
      var channel = site.channel(federation.grpcPort(), federation.authority(), chain);
      try {
        assertThat(hello(channel, site).hasAccepted()).isTrue();
      } finally {
        stop(channel);
      }
    }

    enrolments.renew(name, site.csr(), serial(second));

    var channel = site.channel(federation.grpcPort(), federation.authority(), first);
    try {
      refused(channel, Status.Code.PERMISSION_DENIED, "was replaced");
    } finally {
      stop(channel);
    }
  }

  private static String serial(String chain) throws CertificateException {
    var first =
        CertificateFactory.getInstance("X.509")
            .generateCertificate(
                new ByteArrayInputStream(chain.getBytes(StandardCharsets.US_ASCII)));
    return ((X509Certificate) first).getSerialNumber().toString(16);
  }

  @Test
  void aTokenServesOneKeyAndTheSameRequestGetsTheSameAnswer() {
    var site = TestSite.named("twice");
    var token = federation.token(federation.invitation("twice", Instant.now().plusSeconds(600)));
    var first = federation.enrol(site, token);

    var again = federation.enrol(site, token);
    var other = federation.enrol(TestSite.named("twice"), token);

    assertThat(again.status()).isEqualTo(201);
    assertThat(again.body()).isEqualTo(first.body());
    assertThat(other.status()).isEqualTo(409);
    assertThat(other.body().get("code").stringValue()).isEqualTo("token-used");
  }

  @Test
  void anExpiredTokenIsRefused() {
    var token = federation.token(federation.invitation("late", Instant.now().minusSeconds(5)));

    var answer = federation.enrol(TestSite.named("late"), token);

    assertThat(answer.status()).isEqualTo(403);
    assertThat(answer.body().get("code").stringValue()).isEqualTo("token-expired");
    assertThat(answer.body().get("detail").stringValue()).contains("late", "expired at");
  }

  @Test
  void aTokenOfAnotherConsortiumIsRefused() {
    var stranger = MessageKey.generate();
    var invitation =
        federation.invitation(
            TestFederation.NAME, "lured", Instant.now().plusSeconds(60), stranger.publicKey());

    var answer =
        federation.enrol(
            TestSite.named("lured"), SignedInvitation.sign(invitation, stranger).token());

    assertThat(answer.status()).isEqualTo(403);
    assertThat(answer.body().get("code").stringValue()).isEqualTo("wrong-consortium");
  }

  @Test
  void aTokenOfAnotherFederationIsRefused() {
    var invitation =
        federation.invitation(
            new FederationId("south"),
            "lost",
            Instant.now().plusSeconds(60),
            federation.consortium.publicKey());

    var answer = federation.enrol(TestSite.named("lost"), federation.token(invitation));

    assertThat(answer.status()).isEqualTo(403);
    assertThat(answer.body().get("detail").stringValue())
        .isEqualTo("The invitation is for federation south, this aggregator serves north.");
  }

  @Test
  void aTokenThatIsNoTokenIsRefused() {
    var answer = federation.enrol(TestSite.named("noise"), "comity1.AAAA.AAAA");

    assertThat(answer.status()).isEqualTo(422);
    assertThat(answer.body().get("code").stringValue()).isEqualTo("bad-token");
  }

  @Test
  void aMessageKeyThatDidNotSignTheRequestIsRefused() {
    var site = TestSite.named("forged");
    var token = federation.token(federation.invitation("forged", Instant.now().plusSeconds(60)));
    var body =
        TestFederation.enrolment(site, token)
            .replace(site.message().publicKey().hex(), MessageKey.generate().publicKey().hex());

    var answer = federation.send("POST", "/api/v1/enrolments", body);

    assertThat(answer.status()).isEqualTo(403);
    assertThat(answer.body().get("code").stringValue()).isEqualTo("bad-signature");
  }

  @Test
  void aTlsKeyOutsideP256IsRefused() {
    var site =
        new TestSite(
            "curve",
            TestSite.keys("EC", new ECGenParameterSpec("secp384r1")),
            MessageKey.generate());

    var answer = federation.enrol(site);

    assertThat(answer.status()).isEqualTo(422);
    assertThat(answer.body().get("detail").stringValue()).contains("not on P-256");
  }

  @Test
  void aMembershipMustBeTheNextOneAndSignedByTheConsortium() {
    var next = federation.epoch();
    var skipping =
        new MembershipEpoch(
            next.federation(),
            next.version() + 1,
            next.issuedAt(),
            next.expiresAt(),
            next.aggregator(),
            next.members(),
            next.revocations(),
            next.nCFloor(),
            next.allowedArchitectures(),
            Optional.of(Digest.of(new byte[0])));

    var skipped = federation.admit(SignedMembership.sign(skipping, federation.consortium), admin);
    var forged = federation.admit(SignedMembership.sign(next, MessageKey.generate()), admin);

    assertThat(skipped.status()).isEqualTo(409);
    assertThat(skipped.body().get("code").stringValue()).isEqualTo("out-of-sequence");
    assertThat(forged.status()).isEqualTo(403);
    assertThat(forged.body().get("code").stringValue()).isEqualTo("bad-signature");
  }

  @Test
  void aMembershipOfSitesThatNeverEnrolledWithThoseKeysNamesThemAll() {
    var first = TestSite.named("ghost-a");
    var second = TestSite.named("ghost-b");

    var answer = federation.admit(federation.membership(first, second), admin);

    assertThat(answer.status()).isEqualTo(422);
    assertThat(answer.body().get("code").stringValue()).isEqualTo("not-enrolled");
    assertThat(answer.body().get("detail").stringValue()).contains("ghost-a", "ghost-b");
  }

  @Test
  void aRevokedKeyIsRefusedWhereverItReturns() throws Exception {
    var site = TestSite.named("thief");
    var enrolled = federation.enrol(site);
    assertThat(federation.admit(federation.membership(site), admin).status()).isEqualTo(204);
    var revoking = federation.epoch("its machine was stolen");
    assertThat(federation.admit(signed(revoking), admin).status()).isEqualTo(204);

    var next = federation.epoch();
    var thief = new MembershipEpoch.Member(new SiteId("thief"), site.message().publicKey());
    var dropped = federation.admit(signed(with(next, next.members(), List.of())), admin);
    var returned = federation.admit(signed(with(next, List.of(thief), List.of())), admin);
    var rejoined = federation.enrol(site);
    var summary = federation.send("GET", "/api/v1/membership/summary", "", bearer(admin));

    for (var answer : List.of(dropped, returned)) {
      assertThat(answer.status()).isEqualTo(409);
      assertThat(answer.body().get("code").stringValue()).isEqualTo("contradicts-earlier");
      assertThat(answer.body().get("detail").stringValue()).contains("drops the revocation of key");
    }
    assertThat(rejoined.status()).isEqualTo(403);
    assertThat(rejoined.body().get("code").stringValue()).isEqualTo("key-revoked");
    assertThat(rejoined.body().get("detail").stringValue()).contains("its machine was stolen");
    assertThat(summary.status()).isEqualTo(200);
    assertThat(summary.body().get("revocations").toString())
        .contains("\"site\":\"thief\"", "its machine was stolen");
    var channel = channel(site, enrolled);
    try {
      refused(channel, Status.Code.PERMISSION_DENIED, "site thief was revoked");
    } finally {
      stop(channel);
    }
  }

  @Test
  void aListOfUnknownDuplicateOrExpiredEntriesIsRefusedByName() {
    var known = TestSite.named("sybil-known");
    federation.enrol(known);
    var next = federation.epoch(known);
    var member = next.members().getFirst();
    var twin = new MembershipEpoch.Member(new SiteId("sybil-two"), member.key());
    var past = Instant.now().minusSeconds(1).truncatedTo(ChronoUnit.MILLIS);
    var stale =
        new MembershipEpoch(
            next.federation(),
            next.version(),
            past.minusSeconds(1),
            past,
            next.aggregator(),
            next.members(),
            next.revocations(),
            next.nCFloor(),
            next.allowedArchitectures(),
            next.previous());

    var unknown = federation.admit(federation.membership(TestSite.named("sybil")), admin);
    var expired = federation.admit(signed(stale), admin);

    assertThat(unknown.body().get("code").stringValue()).isEqualTo("not-enrolled");
    assertThat(unknown.body().get("detail").stringValue()).contains("Site sybil is not enrolled");
    assertThat(expired.body().get("code").stringValue()).isEqualTo("membership-expired");
    assertThatThrownBy(() -> with(next, List.of(member, twin), next.revocations()))
        .hasMessageContaining("has the message key of another member");
    assertThatThrownBy(() -> with(next, List.of(member, member), next.revocations()))
        .hasMessageContaining("site sybil-known is listed twice");
  }

  @Test
  void aMemberGoesOnUnderTheKeyThatReplacedItsFormerOne() throws Exception {
    var site = TestSite.named("rotating");
    var channel = channel(site, federation.enrol(site));
    try {
      assertThat(federation.admit(federation.membership(site), admin).status()).isEqualTo(204);
      var renewed = new TestSite("rotating", site.tls(), MessageKey.generate());
      var next = federation.epoch(renewed);

      var silent = federation.admit(signed(with(next, next.members(), List.of())), admin);
      var rotated = federation.admit(federation.membership(renewed), admin);

      assertThat(silent.body().get("code").stringValue()).isEqualTo("contradicts-earlier");
      assertThat(rotated.status()).isEqualTo(204);
      assertThat(hello(channel, renewed).getAccepted().getState())
          .isEqualTo(MembershipState.MEMBERSHIP_STATE_ACTIVE);
      assertThat(hello(channel, site).getRefused().getCode()).isEqualTo("site.other-key");
    } finally {
      stop(channel);
    }
  }

  @Test
  void theConsortiumsNewKeySignsAndInvitesOnceTheOldOneHandedOver(@TempDir Path elsewhere)
      throws Exception {
    try (var other = TestFederation.start(elsewhere)) {
      var token = other.token("ADMIN");
      var site = TestSite.named("first");
      other.enrol(site);
      assertThat(other.admit(other.membership(site), token).status()).isEqualTo(204);
      var next = MessageKey.generate();
      var plain = other.epoch(site);
      var handOver =
          new MembershipEpoch(
              plain.federation(),
              plain.version(),
              plain.issuedAt(),
              plain.expiresAt(),
              plain.aggregator(),
              plain.members(),
              plain.revocations(),
              plain.nCFloor(),
              plain.allowedArchitectures(),
              plain.previous(),
              List.of(
                  new MembershipEpoch.HandOver(
                      plain.version(),
                      KeySuccession.sign(
                          plain.federation(), Optional.empty(), other.consortium, next))));
      assertThat(other.admit(SignedMembership.sign(handOver, other.consortium), token).status())
          .isEqualTo(204);

      var after = other.epoch(site);
      var byOld = other.admit(SignedMembership.sign(after, other.consortium), token);
      var byNew = other.admit(SignedMembership.sign(after, next), token);
      var expires = Instant.now().plusSeconds(600);
      var late = TestSite.named("late");
      var oldInvitation = other.enrol(late, other.token(other.invitation("late", expires)));
      var invitation = other.invitation(TestFederation.NAME, "late", expires, next.publicKey());
      var newInvitation = other.enrol(late, SignedInvitation.sign(invitation, next).token());

      assertThat(byOld.status()).isEqualTo(403);
      assertThat(byOld.body().get("detail").stringValue()).contains("had handed over to");
      assertThat(byNew.status()).isEqualTo(204);
      assertThat(oldInvitation.body().get("code").stringValue()).isEqualTo("wrong-consortium");
      assertThat(newInvitation.status()).isEqualTo(201);
    }
  }

  private static SignedMembership signed(MembershipEpoch epoch) {
    return SignedMembership.sign(epoch, federation.consortium);
  }

  private static MembershipEpoch with(
      MembershipEpoch epoch,
      List<MembershipEpoch.Member> members,
      List<MembershipEpoch.Revocation> revocations) {
    return new MembershipEpoch(
        epoch.federation(),
        epoch.version(),
        epoch.issuedAt(),
        epoch.expiresAt(),
        epoch.aggregator(),
        members,
        revocations,
        epoch.nCFloor(),
        epoch.allowedArchitectures(),
        epoch.previous());
  }

  @Test
  void everyKeyFileIsItsOwnersAlone() throws IOException {
    try (var files = Files.list(directory.resolve("keys"))) {
      assertThat(files)
          .isNotEmpty()
          .allSatisfy(file ->
              assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                  .isEqualTo("rw-------"));
    }
  }

  /// What the authority itself never signs.
  private static String signedByOurAuthority(TestSite site, String uri)
      throws IOException, GeneralSecurityException, OperatorCreationException {
    var authority = federation.context.getBean(CertificateAuthority.class).certificate();
    var key = CertificateAuthority.privateKey(Files.readString(directory.resolve("keys/ca.key")));
    var certificate =
        new JcaX509v3CertificateBuilder(
                authority,
                BigInteger.TEN,
                Date.from(Instant.now().minusSeconds(60)),
                Date.from(Instant.now().plusSeconds(600)),
                new X500Principal("CN=stranger"),
                site.tls().getPublic())
            .addExtension(
                Extension.subjectAlternativeName,
                false,
                new GeneralNames(new GeneralName(GeneralName.uniformResourceIdentifier, uri)))
            .build(new JcaContentSignerBuilder("SHA256withECDSA").build(key));
    return Pem.encode("CERTIFICATE", certificate.getEncoded());
  }

  private static ManagedChannel channel(TestSite site, TestFederation.Answer enrolled)
      throws IOException {
    return site.channel(
        federation.grpcPort(),
        federation.authority(),
        enrolled.body().get("certificatePem").stringValue());
  }

  private static HelloResponse hello(ManagedChannel channel, TestSite site) {
    return SiteServiceGrpc.newBlockingStub(channel)
        .withDeadlineAfter(20, TimeUnit.SECONDS)
        .hello(
            HelloRequest.newBuilder()
                .setWireVersion(1)
                .setAgentVersion("test")
                .setMessageKey(ByteString.copyFrom(site.message().publicKey().bytes()))
                .build());
  }

  private static void refused(ManagedChannel channel, Status.Code code, String words) {
    assertThatExceptionOfType(StatusRuntimeException.class)
        .isThrownBy(() ->
            SiteServiceGrpc.newBlockingStub(channel)
                .withDeadlineAfter(20, TimeUnit.SECONDS)
                .nextAssignment(NextAssignmentRequest.getDefaultInstance()))
        .satisfies(refusal -> {
          assertThat(refusal.getStatus().getCode()).isEqualTo(code);
          assertThat(String.valueOf(refusal.getStatus().getDescription())).contains(words);
        });
  }

  private static void stop(ManagedChannel channel) throws InterruptedException {
    channel.shutdownNow();
    assertThat(channel.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
  }
}
