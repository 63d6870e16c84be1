package dev.comity.federation.web;

import dev.comity.federation.CertificateAuthority;
import dev.comity.federation.Memberships;
import dev.comity.membership.MembershipEpoch;
import dev.comity.plan.FederationId;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.security.SecurityRequirements;
import io.swagger.v3.oas.annotations.tags.Tag;
import org.jspecify.annotations.Nullable;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;

@RestController
@RequestMapping("/api/v1/federation")
@Tag(name = "federation", description = "Who this aggregator is.")
final class FederationController {

  /// @param caPin SHA-256 of the authority's SubjectPublicKeyInfo, hexadecimal
  /// @param messageKey raw Ed25519 public key, hexadecimal
  /// @param membershipVersion null before the consortium signed the first membership
  record FederationView(
      String federation,
      String caCertificatePem,
      String caPin,
      String messageKey,
      String messageKeyFingerprint,
      @Nullable Long membershipVersion,
      String restUrl,
      String grpcUrl) {}

  private final FederationId federation;
  private final CertificateAuthority authority;
  private final Memberships memberships;
  private final Addresses addresses;

  FederationController(
      FederationId federation,
      CertificateAuthority authority,
      Memberships memberships,
      Addresses addresses) {
    this.federation = federation;
    this.authority = authority;
    this.memberships = memberships;
    this.addresses = addresses;
  }

  @GetMapping
  @SecurityRequirements
  @Operation(summary = "Keys, pins and addresses of this federation")
  FederationView federation() {
    var key = memberships.key().publicKey();
    return new FederationView(
        federation.value(),
        authority.certificatePem(),
        authority.pin().hex(),
        key.hex(),
        key.displayFingerprint(),
        memberships.current().map(memberships::read).map(MembershipEpoch::version).orElse(null),
        addresses.rest(),
        addresses.grpc());
  }

  /// @param messageKey raw Ed25519 public key, hexadecimal
  record NextKeyView(String messageKey, String messageKeyFingerprint) {}

  @PostMapping("/next-key")
  @Operation(
      summary = "Prepare the message key that shall follow the present one",
      description = "Repeated, it answers the same. The key serves once the consortium lists it.")
  @ApiResponse(responseCode = "200", description = "what the consortium needs to list it")
  NextKeyView nextKey() {
    var key = memberships.prepareKey();
    return new NextKeyView(key.hex(), key.displayFingerprint());
  }
}
