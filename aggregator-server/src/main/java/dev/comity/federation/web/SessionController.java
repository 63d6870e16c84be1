package dev.comity.federation.web;

import dev.comity.federation.AccountStore;
import dev.comity.federation.Role;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import jakarta.validation.Valid;
import jakarta.validation.constraints.NotBlank;
import jakarta.validation.constraints.Size;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.springframework.http.HttpStatus;
import org.springframework.security.authentication.BadCredentialsException;
import org.springframework.security.authentication.UsernamePasswordAuthenticationToken;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.authority.SimpleGrantedAuthority;
import org.springframework.security.core.context.SecurityContextHolder;
import org.springframework.security.crypto.password.PasswordEncoder;
import org.springframework.security.web.context.SecurityContextRepository;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;

@RestController
@RequestMapping("/api/v1/session")
@Tag(name = "session", description = "Signing in with a name and a password, for browsers.")
final class SessionController {

  /// @param username as the account was made with
  record Credentials(
      @NotBlank @Size(max = 100) String username, @NotBlank @Size(max = 200) String password) {
    @Override
    public String toString() {
      return "Credentials[redacted]";
    }
  }

  /// @param role the highest one
  record SignedIn(String username, Role role) {}

  private static final int AT_ONCE = 4;
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  private final AccountStore accounts;
  private final PasswordEncoder encoder;
  private final SecurityContextRepository contexts;
  private final LoginLimit limit;
  private final Semaphore matching = new Semaphore(AT_ONCE, true);
  private final String hashOfNothing;

  SessionController(
      AccountStore accounts,
      PasswordEncoder encoder,
      SecurityContextRepository contexts,
      Clock clock) {
    this.accounts = accounts;
    this.encoder = encoder;
    this.contexts = contexts;
    this.limit = new LoginLimit(clock);
    this.hashOfNothing = String.valueOf(encoder.encode("no account has this password"));
  }

  @PostMapping(consumes = "application/json")
  @Operation(summary = "Sign in; the answer sets the session cookie")
  @ApiResponse(responseCode = "200", description = "signed in")
  @ApiResponse(responseCode = "401", description = "wrong name or password")
  @ApiResponse(responseCode = "429", description = "too many attempts; see Retry-After")
  SignedIn signIn(
      @Valid @RequestBody Credentials credentials,
      HttpServletRequest request,
      HttpServletResponse response) {
    var address = request.getRemoteAddr();
    limit
        .attempt(credentials.username(), address)
        .ifPresent(wait -> {
          throw new TooManyAttempts(wait);
        });
    var account = accounts.find(credentials.username());
    // An unknown name costs as much time as a wrong password.
    boolean matches =
        matches(
            credentials.password(),
            account.map(AccountStore.Account::passwordHash).orElse(hashOfNothing));
    if (account.isEmpty() || !matches) {
      throw new BadCredentialsException("The name or the password is wrong.");
    }
    limit.succeeded(credentials.username(), address);
    if (request.getSession(false) != null) {
      request.changeSessionId(); // a session id from before the sign-in must not carry its rights
    }
    var context = SecurityContextHolder.createEmptyContext();
    context.setAuthentication(
        UsernamePasswordAuthenticationToken.authenticated(
            account.get().username(),
            null,
            List.of(new SimpleGrantedAuthority("ROLE_" + account.get().role()))));
    SecurityContextHolder.setContext(context);
    contexts.saveContext(context, request, response);
    return new SignedIn(account.get().username(), account.get().role());
  }

  /// A few at a time: each takes the memory that makes guessing dear.
  private boolean matches(String password, String hash) {
    try {
      if (!matching.tryAcquire(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
        throw new TooManyAttempts(PATIENCE);
      }
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
      throw new TooManyAttempts(PATIENCE);
    }
    try {
      return encoder.matches(password, hash);
    } finally {
      matching.release();
    }
  }

  @GetMapping
  @Operation(summary = "Who is signed in")
  SignedIn current(Authentication authentication) {
    return new SignedIn(
        authentication.getName(),
        authentication.getAuthorities().stream()
            .map(authority -> String.valueOf(authority.getAuthority()))
            .filter(authority -> authority.startsWith("ROLE_"))
            .map(authority -> Role.valueOf(authority.substring(5).toUpperCase(Locale.ROOT)))
            .sorted()
            .findFirst()
            .orElse(Role.VIEWER));
  }

  @DeleteMapping
  @ResponseStatus(HttpStatus.NO_CONTENT)
  @Operation(summary = "Sign out")
  @ApiResponse(responseCode = "204", description = "signed out")
  void signOut(HttpServletRequest request) {
    var session = request.getSession(false);
    if (session != null) {
      session.invalidate();
    }
    SecurityContextHolder.clearContext();
  }
}
