package dev.comity.federation.web;

import dev.comity.audit.Signals;
import dev.comity.codec.Bytes;
import dev.comity.federation.Memberships;
import dev.comity.federation.Refused;
import dev.comity.membership.SignedMembership;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.security.SecurityRequirements;
import io.swagger.v3.oas.annotations.tags.Tag;
import jakarta.validation.Valid;
import jakarta.validation.constraints.NotBlank;
import jakarta.validation.constraints.Size;
import java.util.Base64;
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

  private final Memberships memberships;
  private final Signals signals;

  MembershipController(Memberships memberships, Signals signals) {
    this.memberships = memberships;
    this.signals = signals;
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
        .orElseThrow(() ->
            new ResponseStatusException(
                HttpStatus.NOT_FOUND,
                "The federation has no membership epoch yet; the consortium's `admit` makes"
                    + " it."));
  }

  @PutMapping(consumes = "application/json")
  @ResponseStatus(HttpStatus.NO_CONTENT)
  @Operation(summary = "Take the next membership epoch")
  @ApiResponse(responseCode = "204", description = "taken, or known already")
  @ApiResponse(responseCode = "403", description = "not signed by the consortium")
  @ApiResponse(responseCode = "409", description = "not the next version")
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
