package dev.comity.federation.web;

import dev.comity.audit.Signals;
import dev.comity.codec.Bytes;
import dev.comity.federation.Memberships;
import dev.comity.federation.Refused;
import dev.comity.membership.ArchitecturePattern;
import dev.comity.membership.MessagePublicKey;
import dev.comity.membership.SignedMembership;
import dev.comity.plan.SiteId;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.security.SecurityRequirements;
import io.swagger.v3.oas.annotations.tags.Tag;
import jakarta.validation.Valid;
import jakarta.validation.constraints.NotBlank;
import jakarta.validation.constraints.Size;
import java.time.Clock;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.http.HttpStatus;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PutMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.server.ResponseStatusException;

@RestController
@RequestMapping("/api/v1/membership")
@Tag(name = "membership", description = "The list of members, signed by the consortium.")
final class MembershipController {
  private static final Logger LOG = LoggerFactory.getLogger(MembershipController.class);

  /// @param document the exact bytes that were signed, base64
  /// @param signature of the consortium's key, base64
  record MembershipBody(
      @NotBlank @Size(max = 4_000_000) String document,
      @NotBlank @Size(max = 100) String signature) {}

  /// The newest membership in plain fields.
  ///
  /// @param digest SHA-256 of the document, hexadecimal
  /// @param consortium fingerprint of the key that signs the next one
  /// @param aggregator fingerprint of this aggregator's message key
  /// @param warning what to do about its end, null while that is far
  record MembershipView(
      String federation,
      long version,
      String digest,
      Instant issuedAt,
      Instant expiresAt,
      boolean expired,
      @Nullable String warning,
      String consortium,
      String aggregator,
      int nCFloor,
      List<String> allowedArchitectures,
      List<MemberView> members,
      List<RevocationView> revocations) {}

  record MemberView(String site, String fingerprint) {}

  /// @param site null for a former key of the aggregator
  /// @param key SHA-256 of the revoked key, hexadecimal
  record RevocationView(@Nullable String site, String key, Instant at, String reason) {}

  private final Memberships memberships;
  private final Signals signals;
  private final Clock clock;

  MembershipController(Memberships memberships, Signals signals, Clock clock) {
    this.memberships = memberships;
    this.signals = signals;
    this.clock = clock;
  }

  @GetMapping
  @SecurityRequirements
  @Operation(summary = "The newest membership as the consortium signed it")
  @ApiResponse(responseCode = "200", description = "the newest membership")
  @ApiResponse(responseCode = "404", description = "the consortium signed none yet")
  MembershipBody current() {
    return memberships
        .current()
        .map(signed -> new MembershipBody(base64(signed.document()), base64(signed.signature())))
        .orElseThrow(MembershipController::none);
  }

  private static ResponseStatusException none() {
    return new ResponseStatusException(
        HttpStatus.NOT_FOUND,
        "The federation has no membership epoch yet; the consortium's `admit` makes it.");
  }

  @GetMapping("/summary")
  @Operation(summary = "The newest membership in plain fields, with every revocation")
  @ApiResponse(responseCode = "200", description = "the newest membership")
  @ApiResponse(responseCode = "404", description = "the consortium signed none yet")
  MembershipView summary() {
    var signed = memberships.current().orElseThrow(MembershipController::none);
    var epoch = memberships.read(signed);
    return new MembershipView(
        epoch.federation().value(),
        epoch.version(),
        signed.digest().hex(),
        epoch.issuedAt(),
        epoch.expiresAt(),
        epoch.expired(clock.instant()),
        memberships.warning().orElse(null),
        memberships.consortium().map(MessagePublicKey::displayFingerprint).orElse(""),
        epoch.aggregator().displayFingerprint(),
        epoch.nCFloor(),
        epoch.allowedArchitectures().stream().map(ArchitecturePattern::value).toList(),
        epoch.members().stream()
            .map(member -> new MemberView(member.site().value(), member.key().displayFingerprint()))
            .toList(),
        epoch.revocations().stream()
            .map(revocation ->
                new RevocationView(
                    revocation.site().map(SiteId::value).orElse(null),
                    revocation.key().hex(),
                    revocation.at(),
                    revocation.reason()))
            .toList());
  }

  @PutMapping(consumes = "application/json")
  @ResponseStatus(HttpStatus.NO_CONTENT)
  @Operation(summary = "Take the next membership epoch")
  @ApiResponse(responseCode = "204", description = "taken, or known already")
  @ApiResponse(responseCode = "403", description = "not signed by the consortium")
  @ApiResponse(
      responseCode = "409",
      description = "not the next version, or one that drops a revocation")
  @ApiResponse(responseCode = "422", description = "malformed, expired or of sites not enrolled")
  void admit(@Valid @RequestBody MembershipBody body) {
    var signed = signed(body);
    var epoch = memberships.admit(signed);
    signals.signal(Signals.membership());
    LOG.atInfo()
        .addKeyValue("federation", epoch.federation().value())
        .addKeyValue("digest", signed.digest().abbreviated())
        .log("membership epoch taken");
  }

  private static SignedMembership signed(MembershipBody body) {
    try {
      return new SignedMembership(
          Bytes.of(Base64.getDecoder().decode(body.document())),
          Bytes.of(Base64.getDecoder().decode(body.signature())));
    } catch (IllegalArgumentException e) {
      throw new Refused(
          Refused.Kind.INVALID,
          "bad-membership",
          "The membership is refused: document and signature must be base64, the signature of 64"
              + " bytes.");
    }
  }

  private static String base64(Bytes bytes) {
    return Base64.getEncoder().encodeToString(bytes.toByteArray());
  }
}
