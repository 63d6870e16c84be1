package dev.comity.federation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comity.aggregator.TestFederation;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;

/// Accounts, cookies, tokens, and the problems that REST answers with.
@ExtendWith(OutputCaptureExtension.class)
class SignInTest {
  @TempDir static Path directory;
  private static TestFederation federation;
  private static String startOutput;

  @BeforeAll
  static void start(CapturedOutput output) throws IOException, GeneralSecurityException {
    federation = TestFederation.start(directory);
    startOutput = output.getAll();
  }

  @AfterAll
  static void stop() {
    federation.close();
  }

  @Test
  void theFirstPasswordIsShownOnceOnStandardOutputAndKeptInAFileOfItsOwnersAlone()
      throws IOException {
    var password = federation.password();

    assertThat(
            PosixFilePermissions.toString(
                Files.getPosixFilePermissions(directory.resolve("initial-password"))))
        .isEqualTo("rw-------");
    assertThat(startOutput.lines().filter(line -> line.contains(password)))
        .containsExactly("Account admin, password " + password); // a log line begins with its time
  }

  @Test
  void aChangeByCookieNeedsTheCsrfToken() throws IOException {
    var browser = federation.signIn();
    var body = TestFederation.JSON.writeValueAsString(Map.of("name", "a", "role", "VIEWER"));

    var without = federation.send("POST", "/api/v1/tokens", body, "Cookie", browser.cookies());
    var with =
        federation.send(
            "POST",
            "/api/v1/tokens",
            body,
            "Cookie",
            browser.cookies(),
            "X-XSRF-TOKEN",
            browser.csrf());

    assertThat(without.status()).isEqualTo(403);
    assertThat(without.body().get("detail").stringValue()).contains("X-XSRF-TOKEN");
    assertThat(with.status()).isEqualTo(201);
  }

  @Test
  void theSessionCookieIsHiddenFromScriptsAndFromOtherSites() throws IOException {
    var login =
        federation.send(
            "POST",
            "/api/v1/session",
            TestFederation.JSON.writeValueAsString(
                Map.of("username", "admin", "password", federation.password())));

    assertThat(login.status()).isEqualTo(200);
    assertThat(login.response().headers().allValues("Set-Cookie"))
        .filteredOn(cookie -> cookie.startsWith("__Host-comity="))
        .singleElement()
        .asString()
        .contains("HttpOnly", "Secure", "SameSite=Strict", "Path=/");
  }

  @Test
  void signingOutEndsTheSession() throws IOException {
    var browser = federation.signIn();

    var forged = federation.send("DELETE", "/api/v1/session", "", "Cookie", browser.cookies());
    var out =
        federation.send(
            "DELETE",
            "/api/v1/session",
            "",
            "Cookie",
            browser.cookies(),
            "X-XSRF-TOKEN",
            browser.csrf());

    assertThat(forged.status()).isEqualTo(403);
    assertThat(out.status()).isEqualTo(204);
    assertThat(federation.send("GET", "/api/v1/session", "", "Cookie", browser.cookies()).status())
        .isEqualTo(401);
  }

  @Test
  void theSixthWrongPasswordWithinAMinuteMustWait() {
    var wrong =
        TestFederation.JSON.writeValueAsString(Map.of("username", "nobody", "password", "guess"));
    for (int attempt = 0; attempt < 5; attempt++) {
      assertThat(federation.send("POST", "/api/v1/session", wrong).status()).isEqualTo(401);
    }

    var limited = federation.send("POST", "/api/v1/session", wrong);

    assertThat(limited.status()).isEqualTo(429);
    assertThat(Integer.parseInt(limited.header("Retry-After"))).isBetween(1, 61);
  }

  @Test
  void aBodyThatIsTooLongIsCutWithOrWithoutItsLength() throws Exception {
    var name = "n".repeat(70_000);
    var body = TestFederation.JSON.writeValueAsString(Map.of("username", name, "password", "p"));
    var unannounced =
        HttpRequest.newBuilder(federation.uri("/api/v1/session"))
            .header("Content-Type", "application/json")
            .POST(
                BodyPublishers.ofInputStream(
                    () -> new ByteArrayInputStream(body.getBytes(StandardCharsets.UTF_8))))
            .build();

    problem(federation.send("POST", "/api/v1/session", body), 413);
    assertThat(federation.http().send(unannounced, BodyHandlers.discarding()).statusCode())
        .isEqualTo(413);
    assertThat(federation.send("POST", "/api/v1/runs", body).status()).isEqualTo(403); // not cut
  }

  @Test
  void aViewersTokenReadsAndDoesNotSubmit() throws IOException {
    var viewer = TestFederation.bearer(federation.token("VIEWER"));

    assertThat(federation.send("GET", "/api/v1/sites", "", viewer).status()).isEqualTo(200);
    assertThat(federation.send("POST", "/api/v1/runs", "{}", viewer).status()).isEqualTo(403);
    assertThat(federation.send("GET", "/api/v1/enrolments", "", viewer).status()).isEqualTo(403);
  }

  @Test
  void aRevokedTokenOpensNothing() throws IOException {
    var token = federation.token("VIEWER");
    var browser = federation.signIn();
    var id =
        federation.context.getBean(AccountStore.class).tokens().stream()
            .reduce((_, last) -> last)
            .orElseThrow()
            .id();

    var revoked =
        federation.send(
            "DELETE",
            "/api/v1/tokens/" + id,
            "",
            "Cookie",
            browser.cookies(),
            "X-XSRF-TOKEN",
            browser.csrf());

    assertThat(revoked.status()).isEqualTo(204);
    assertThat(federation.send("GET", "/api/v1/sites", "", TestFederation.bearer(token)).status())
        .isEqualTo(401);
  }

  @Test
  void everyRefusalIsAProblemWithATraceId() throws IOException {
    var admin = TestFederation.bearer(federation.token("ADMIN"));

    problem(federation.send("GET", "/api/v1/sites", ""), 401);
    problem(federation.send("GET", "/api/v1/nothing", "", admin), 404);
    problem(federation.send("PUT", "/api/v1/sites", "{}", admin), 405);
    problem(
        federation.send(
            "PUT",
            "/api/v1/membership",
            "",
            "Authorization",
            admin[1],
            "Content-Type",
            "text/plain"),
        415);
    problem(federation.send("PUT", "/api/v1/membership", "{", admin), 400);
    problem(federation.send("PUT", "/api/v1/membership", "{\"document\":\"\"}", admin), 422);
  }

  @Test
  void anUnknownFieldIsNamedByItsPointer() throws IOException {
    var answer =
        federation.send(
            "PUT",
            "/api/v1/membership",
            "{\"document\":\"AA==\",\"signature\":\"AA==\",\"note\":1}",
            TestFederation.bearer(federation.token("ADMIN")));

    assertThat(answer.status()).isEqualTo(400);
    assertThat(answer.body().at("/errors/0/pointer").stringValue()).isEqualTo("/note");
  }

  @Test
  void withoutAMembershipRunsAreAConflict() throws IOException {
    var answer =
        federation.send(
            "GET", "/api/v1/runs", "", TestFederation.bearer(federation.token("VIEWER")));

    problem(answer, 409);
    assertThat(answer.body().get("title").stringValue()).isEqualTo("no membership epoch");
  }

  @Test
  void theDashboardGetsNothingInlineAndNothingFromElsewhere() {
    var answer = federation.send("GET", "/api/v1/federation", "");

    assertThat(answer.header("Content-Security-Policy"))
        .startsWith("default-src 'self'")
        .doesNotContain("unsafe");
  }

  @Test
  void theDescriptionOfTheApiNamesEveryPath() {
    var answer = federation.send("GET", "/v3/api-docs", "");

    assertThat(answer.status()).isEqualTo(200);
    assertThat(answer.body().get("paths").propertyNames())
        .contains(
            "/api/v1/federation",
            "/api/v1/enrolments",
            "/api/v1/membership",
            "/api/v1/session",
            "/api/v1/tokens",
            "/api/v1/runs",
            "/api/v1/runs/{run}",
            "/api/v1/runs/{run}/cancel",
            "/api/v1/runs/{run}/rounds",
            "/api/v1/runs/{run}/rounds/{number}",
            "/api/v1/runs/{run}/journal",
            "/api/v1/sites",
            "/api/v1/sessions/{id}",
            "/api/v1/models",
            "/api/v1/models/{name}/versions/{version}/artifacts/{role}",
            "/api/v1/events");
  }

  private static void problem(TestFederation.Answer answer, int status) {
    assertThat(answer.status()).isEqualTo(status);
    assertThat(answer.header("Content-Type")).startsWith("application/problem+json");
    assertThat(answer.body().get("status").intValue()).isEqualTo(status);
    assertThat(answer.body().get("traceId").stringValue())
        .matches("[0-9a-f]{32}")
        .isEqualTo(answer.header("Trace-Id"));
  }
}
