package dev.comity.federation.web;

import dev.comity.codec.Bytes;
import dev.comity.federation.CertificateAuthority;
import dev.comity.federation.Enrolments;
import dev.comity.federation.FederationStore;
import dev.comity.federation.FederationStore.EnrolledSite;
import dev.comity.federation.FederationStore.SiteState;
import dev.comity.federation.Refused;
import dev.comity.membership.EnrolmentRequest;
import dev.comity.membership.MessagePublicKey;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.security.SecurityRequirements;
import io.swagger.v3.oas.annotations.tags.Tag;
import jakarta.validation.Valid;
import jakarta.validation.constraints.NotBlank;
import jakarta.validation.constraints.NotNull;
import jakarta.validation.constraints.Pattern;
import jakarta.validation.constraints.Size;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import org.springframework.http.HttpStatus;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;

@RestController
@RequestMapping("/api/v1/enrolments")
@Tag(name = "enrolments", description = "Sites join with an invitation of the consortium.")
final class EnrolmentController {

  /// @param token the invitation, one line
  /// @param csr PKCS#10 request of the site's P-256 TLS key, DER in base64
  /// @param messageKey raw Ed25519 public key, 64 hexadecimal digits
  /// @param signature of the message key over token, request and key, base64
  record EnrolmentBody(
      @NotBlank @Size(max = 4096) String token,
      @NotBlank @Size(max = 12000) String csr,
      @NotNull @Pattern(regexp = "[0-9a-fA-F]{64}", message = "must be 64 hexadecimal digits")
          String messageKey,
      @NotBlank @Size(max = 100) String signature) {
    @Override
    public String toString() {
      return "EnrolmentBody[redacted]";
    }
  }

  record Enrolled(
      String site,
      String certificatePem,
      String caCertificatePem,
      String grpcUrl,
      SiteState state) {}

  record EnrolledView(
      String site, String messageKey, String fingerprint, Instant enrolledAt, SiteState state) {}

  private final Enrolments enrolments;
  private final FederationStore store;
  private final CertificateAuthority authority;
  private final Addresses addresses;

  EnrolmentController(
      Enrolments enrolments,
      FederationStore store,
      CertificateAuthority authority,
      Addresses addresses) {
    this.enrolments = enrolments;
    this.store = store;
    this.authority = authority;
    this.addresses = addresses;
  }

  @PostMapping(consumes = "application/json")
  @ResponseStatus(HttpStatus.CREATED)
  @SecurityRequirements
  @Operation(summary = "Enrol a site; the same request again gets the same answer")
  @ApiResponse(responseCode = "201", description = "enrolled; pending until a membership lists it")
  @ApiResponse(responseCode = "403", description = "expired, of another federation or consortium")
  @ApiResponse(responseCode = "409", description = "the invitation was used, or the name is taken")
  @ApiResponse(responseCode = "422", description = "a part of the request is malformed")
  Enrolled enrol(@Valid @RequestBody EnrolmentBody body) {
    var enrolment = enrolments.enrol(request(body));
    return new Enrolled(
        enrolment.site().value(),
        enrolment.certificatePem(),
        authority.certificatePem(),
        addresses.grpc(),
        store.site(enrolment.site()).map(EnrolledSite::state).orElse(SiteState.PENDING));
  }

  private static EnrolmentRequest request(EnrolmentBody body) {
    try {
      return new EnrolmentRequest(
          body.token(),
          bytes("csr", body.csr()),
          MessagePublicKey.fromHex(body.messageKey()),
          bytes("signature", body.signature()));
    } catch (IllegalArgumentException e) {
      throw new Refused(
          Refused.Kind.INVALID, "bad-request", "The enrolment is refused: " + e.getMessage() + ".");
    }
  }

  private static Bytes bytes(String field, String base64) {
    try {
      return Bytes.of(Base64.getDecoder().decode(base64));
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(field + " is not base64", e);
    }
  }

  @GetMapping
  @Operation(summary = "All enrolled sites with the keys they enrolled with")
  List<EnrolledView> list() {
    return store.sites().stream()
        .map(site ->
            new EnrolledView(
                site.site().value(),
                site.key().hex(),
                site.key().displayFingerprint(),
                site.enrolledAt(),
                site.state()))
        .toList();
  }
}
