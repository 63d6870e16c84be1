package dev.comity.membership;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.comity.codec.Bytes;
import dev.comity.codec.MalformedException;
import dev.comity.plan.Digest;
import dev.comity.plan.FederationId;
import dev.comity.plan.SiteId;
import java.net.URI;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class InvitationTest {
  private static final MessageKey CONSORTIUM = MessageKey.generate();
  private static final Bytes CSR = Bytes.of(new byte[] {0x30, 0x03, 0x02, 0x01, 0x00});

  @Test
  void aTokenIsOneLineThatReadsBack() {
    Invitation invitation = invitation("https://aggregator.example:8443");

    String token = SignedInvitation.sign(invitation, CONSORTIUM).token();

    assertThat(token).matches("comity1\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]{86}");
    assertThat(SignedInvitation.parse(token + "\n").invitation()).isEqualTo(invitation);
    assertThat(SignedInvitation.parse(token).requireIssuedBy(CONSORTIUM.publicKey()))
        .isEqualTo(invitation);
    assertThat(SignedInvitation.parse(token)).doesNotHaveToString(token);
    assertThat(SignedInvitation.parse(token).toString()).doesNotContain(token.substring(8, 30));
  }

  @Test
  void refusesATokenThatWasChanged() {
    String token = SignedInvitation.sign(invitation("https://a.example"), CONSORTIUM).token();
    String[] parts = token.split("\\.");
    String other =
        SignedInvitation.sign(invitation("https://b.example"), CONSORTIUM).token().split("\\.")[1];

    assertThatThrownBy(() -> SignedInvitation.parse(parts[0] + "." + other + "." + parts[2]))
        .isInstanceOf(RefusedSignatureException.class)
        .hasMessageContaining("changed after it was signed");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "comity1",
        "comity2.AA.AA",
        "comity1.A A.AA",
        "comity1.oA.AA",
        "comity1.AA.AA.AA"
      })
  void refusesWhatIsNoToken(String text) {
    assertThatThrownBy(() -> SignedInvitation.parse(text)).isInstanceOf(MalformedException.class);
  }

  @Test
  void refusesAnotherConsortium() {
    SignedInvitation signed = SignedInvitation.sign(invitation("https://a.example"), CONSORTIUM);

    assertThatThrownBy(() -> signed.requireIssuedBy(MessageKey.generate().publicKey()))
        .isInstanceOf(RefusedSignatureException.class)
        .hasMessageContaining("the invitation was issued by");
    assertThatThrownBy(
            () -> SignedInvitation.sign(invitation("https://a.example"), MessageKey.generate()))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"http://a.example", "https:///path", "mailto:a@b", "https://user:pass@a.example"})
  void refusesAddressesThatAreNotHttps(String url) {
    assertThatThrownBy(() -> invitation(url))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("must look like https://host:port");
  }

  @Test
  void anEnrolmentIsBoundToTokenRequestAndKey() {
    Invitation invitation = invitation("https://a.example");
    String token = SignedInvitation.sign(invitation, CONSORTIUM).token();
    MessageKey site = MessageKey.generate();
    MessagePublicKey consortium = CONSORTIUM.publicKey();

    EnrolmentRequest request = EnrolmentRequest.sign(token, CSR, site);

    assertThat(request.verify(consortium)).isEqualTo(invitation);
    assertThat(request.digest()).isEqualTo(EnrolmentRequest.sign(token, CSR, site).digest());
    assertThat(request.toString()).doesNotContain(token);
    assertThatThrownBy(() ->
            new EnrolmentRequest(
                    token, Bytes.of(new byte[] {1}), site.publicKey(), request.signature())
                .verify(consortium))
        .isInstanceOf(RefusedSignatureException.class);
    assertThatThrownBy(() ->
            new EnrolmentRequest(token, CSR, MessageKey.generate().publicKey(), request.signature())
                .verify(consortium))
        .isInstanceOf(RefusedSignatureException.class);
    assertThatThrownBy(() -> request.verify(MessageKey.generate().publicKey()))
        .isInstanceOf(RefusedSignatureException.class)
        .hasMessageContaining("this federation's consortium key is");
  }

  private static Invitation invitation(String url) {
    return new Invitation(
        new FederationId("demo"),
        new SiteId("north"),
        Invitation.newNonce(),
        Instant.parse("2026-03-01T00:00:00Z"),
        URI.create(url),
        Digest.of("ca".getBytes(UTF_8)),
        CONSORTIUM.publicKey());
  }
}
