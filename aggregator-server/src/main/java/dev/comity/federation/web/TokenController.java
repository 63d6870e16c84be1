package dev.comity.federation.web;

import dev.comity.federation.AccountStore;
import dev.comity.federation.AccountStore.ApiToken;
import dev.comity.federation.Role;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;
import jakarta.validation.Valid;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotBlank;
import jakarta.validation.constraints.NotNull;
import jakarta.validation.constraints.Size;
import java.security.Principal;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatus;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.server.ResponseStatusException;

@RestController
@RequestMapping("/api/v1/tokens")
@Tag(name = "tokens", description = "Bearer tokens for programs.")
final class TokenController {

  /// @param name what the token is for
  /// @param expiresInDays absent for a token without end
  record TokenRequest(
      @NotBlank @Size(max = 100) String name,
      @NotNull Role role,
      @Min(1) @Max(3650) @Nullable Integer expiresInDays) {}

  /// @param token shown in this answer and never again
  record NewToken(UUID id, String name, Role role, @Nullable Instant expiresAt, String token) {
    @Override
    public String toString() {
      return "NewToken[" + id + ", redacted]";
    }
  }

  private final AccountStore accounts;
  private final Clock clock;
  private final SecureRandom random = new SecureRandom();

  TokenController(AccountStore accounts, Clock clock) {
    this.accounts = accounts;
    this.clock = clock;
  }

  @PostMapping(consumes = "application/json")
  @ResponseStatus(HttpStatus.CREATED)
  @Operation(summary = "Make a token; its text stands in this answer alone")
  @ApiResponse(responseCode = "201", description = "made")
  NewToken create(@Valid @RequestBody TokenRequest request, Principal caller) {
    if (accounts.find(caller.getName()).isEmpty()) {
      throw new ResponseStatusException(
          HttpStatus.FORBIDDEN, "A token cannot make tokens; sign in with a name and a password.");
    }
    var secret = new byte[32];
    random.nextBytes(secret);
    var text = "comity_" + Base64.getUrlEncoder().withoutPadding().encodeToString(secret);
    var now = clock.instant();
    var days = request.expiresInDays();
    var token =
        new ApiToken(
            UUID.randomUUID(),
            request.name(),
            request.role(),
            caller.getName(),
            now,
            days == null ? null : now.plus(Duration.ofDays(days)),
            null);
    accounts.add(token, BearerTokenFilter.hash(text));
    return new NewToken(token.id(), token.name(), token.role(), token.expiresAt(), text);
  }

  @GetMapping
  @Operation(summary = "All tokens, without their texts")
  List<ApiToken> list() {
    return accounts.tokens();
  }

  @DeleteMapping("/{id}")
  @ResponseStatus(HttpStatus.NO_CONTENT)
  @Operation(summary = "Revoke a token")
  @ApiResponse(responseCode = "204", description = "revoked")
  @ApiResponse(responseCode = "404", description = "no such token")
  void revoke(@PathVariable UUID id) {
    if (!accounts.revoke(id)) {
      throw new ResponseStatusException(HttpStatus.NOT_FOUND, "No token has the id " + id + ".");
    }
  }
}
