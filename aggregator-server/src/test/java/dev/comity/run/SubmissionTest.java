package dev.comity.run;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comity.accounting.Calibration;
import dev.comity.accounting.PrivacyAccountant;
import dev.comity.accounting.PrivacyBudget;
import dev.comity.accounting.PrivacyEvent;
import dev.comity.accounting.PrivacyEvent.PoissonGaussian;
import dev.comity.accounting.PrivacyLoss;
import dev.comity.aggregator.TestFederation;
import dev.comity.aggregator.TestFederation.Answer;
import dev.comity.aggregator.TestSite;
import dev.comity.plan.Digest;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// Submitting, reading, following and cancelling runs over REST. The sites are members, but nobody
/// answers for them here.
class SubmissionTest {
  @TempDir static Path directory;
  private static TestFederation federation;
  private static String[] researcher;

  @BeforeAll
  static void start() throws IOException, GeneralSecurityException {
    federation = TestFederation.start(directory);
    var sites = new TestSite[4];
    for (int i = 0; i < sites.length; i++) {
      sites[i] = TestSite.named("site-" + i);
      assertThat(federation.enrol(sites[i]).status()).isEqualTo(201);
    }
    assertThat(federation.admit(federation.membership(sites), federation.token("ADMIN")).status())
        .isEqualTo(204);
    researcher = TestFederation.bearer(federation.token("RESEARCHER"));
  }

  @AfterAll
  static void stop() {
    federation.close();
  }

  private static String submission(String name) {
    return """
    {"name": "%s", "purpose": "a test", "architecture": {"family": "mlp", "widths": [3, 4, 1]},
     "algorithm": {"name": "fedprox", "mu": 0.1},
     "training": {"batchSize": 4, "epochs": 1, "learningRate": 0.1},
     "rounds": 2, "seed": 5, "clipNorm": 1.5,
     "dataContract": {"features": ["a", "b", "c"], "label": "d"}}
    """
        .formatted(name);
  }

  private static Answer submit(String body, String... more) {
    var headers = new ArrayList<>(List.of(researcher));
    headers.addAll(List.of(more));
    return federation.send("POST", "/api/v1/runs", body, headers.toArray(String[]::new));
  }

  private static Answer get(String path) {
    return federation.send("GET", path, "", researcher);
  }

  private static List<String> pointers(Answer answer) {
    return StreamSupport.stream(answer.body().get("errors").spliterator(), false)
        .map(fault -> fault.get("pointer").stringValue())
        .toList();
  }

  @Test
  void aSubmissionIsAcceptedAndShownWithItsDefaults() {
    var accepted = submit(submission("accepted"));

    assertThat(accepted.status()).isEqualTo(202);
    var shown = get(accepted.header("Location"));
    assertThat(shown.status()).isEqualTo(200);
    assertThat(shown.body().get("name").stringValue()).isEqualTo("accepted");
    assertThat(shown.body().get("state").stringValue()).isEqualTo("RUNNING");
    assertThat(shown.body().at("/health/sentence").stringValue()).isNotBlank();
    assertThat(shown.body().at("/rounds/planned").intValue()).isEqualTo(2);
    var filled = shown.body().get("submission");
    assertThat(filled.get("cohort").size()).isEqualTo(4);
    assertThat(filled.get("minReady").intValue()).isEqualTo(4);
    assertThat(filled.get("nC").intValue()).isEqualTo(1);
    assertThat(filled.get("minHonest").intValue()).isEqualTo(3);
    assertThat(filled.at("/encoding/nMax").intValue()).isEqualTo(512);
    assertThat(filled.at("/weighting/maxWeight").intValue()).isEqualTo(1000);
    assertThat(filled.get("silenceLimit").stringValue()).isEqualTo("PT15M");
    assertThat(filled.get("suite").stringValue()).isEqualTo("x25519-aes-256-ctr");
    assertThat(get("/api/v1/runs/accepted").body().get("id")).isEqualTo(accepted.body().get("id"));
  }

  @Test
  void theSuiteOfASubmissionIsKeptAndShown() {
    var accepted =
        submit(
            submission("chacha")
                .replace("\"rounds\"", "\"suite\": \"x25519-chacha20\", \"rounds\""));

    assertThat(accepted.status()).isEqualTo(202);
    assertThat(get(accepted.header("Location")).body().at("/submission/suite").stringValue())
        .isEqualTo("x25519-chacha20");
  }

  @Test
  void whetherPartialWorkIsAllowedIsKeptAndShown() {
    var accepted =
        submit(submission("partial").replace("\"rounds\"", "\"partialAllowed\": true, \"rounds\""));
    var silent = submit(submission("whole"));
    var wrong =
        submit(
            submission("wrong").replace("\"rounds\"", "\"partialAllowed\": \"yes\", \"rounds\""));

    assertThat(
            get(accepted.header("Location")).body().at("/submission/partialAllowed").booleanValue())
        .isTrue();
    assertThat(
            get(silent.header("Location")).body().at("/submission/partialAllowed").booleanValue())
        .isFalse();
    assertThat(wrong.status()).isEqualTo(422);
    assertThat(pointers(wrong)).containsExactly("/partialAllowed");
  }

  @Test
  void everyFaultIsToldAtOnceWithItsPointer() {
    var answer =
        submit(
            """
            {"name": "Not A Name", "architecture": {"family": "mlp", "widths": [3, 0, 1]},
             "algorithm": {"name": "fedprox", "moo": 1},
             "training": {"batchSize": 0, "epochs": 1, "batches": 2, "learningRate": "fast"},
             "rounds": 0, "clipNorm": -1, "colour": "blue", "cohort": ["site-0", "nobody"],
             "encoding": {"bits": 20}, "silenceLimit": "soon", "minHonest": 2, "suite": "rot13",
             "dataContract": {"features": ["a", ""]}}
            """);

    assertThat(answer.status()).isEqualTo(422);
    assertThat(answer.header("Content-Type")).startsWith("application/problem+json");
    assertThat(pointers(answer))
        .contains(
            "/name",
            "/purpose",
            "/architecture/widths/1",
            "/algorithm/mu",
            "/algorithm/moo",
            "/training/batchSize",
            "/training/epochs",
            "/training/learningRate",
            "/rounds",
            "/clipNorm",
            "/colour",
            "/cohort/1",
            "/encoding",
            "/silenceLimit",
            "/suite",
            "/minHonest",
            "/dataContract/features/1",
            "/dataContract/label");
  }

  @Test
  void anImprintLayerIsRefusedWithItsWidthAndTheRemedy() {
    var answer = submit(submission("imprint").replace("[3, 4, 1]", "[3, 4096, 1]"));

    assertThat(answer.status()).isEqualTo(422);
    assertThat(pointers(answer)).containsExactly("/architecture");
    assertThat(answer.body().get("errors").get(0).get("detail").stringValue())
        .contains("hidden layer 1 has 4096 units over 3 inputs, more than the 128")
        .contains("the consortium can allow exactly this one by its full name");
  }

  @Test
  void aQuorumThatCannotBeReachedIsRefusedWithTheNumbers() {
    var answer =
        submit(
            submission("unreachable")
                .replace(
                    "\"rounds\"", "\"nC\": 2, \"cohort\": [\"site-0\", \"site-1\"], \"rounds\""));

    assertThat(answer.status()).isEqualTo(422);
    assertThat(pointers(answer)).containsExactly("/cohort");
    assertThat(answer.body().at("/errors/0/detail").stringValue())
        .contains("2 sites", "nC 2", "at least 5");
  }

  @Test
  void aBitBudgetThatDoesNotFitIsRefused() {
    var answer =
        submit(
            submission("too-wide")
                .replace("\"rounds\"", "\"maxExamples\": 99999999999, \"rounds\""));

    assertThat(answer.status()).isEqualTo(422);
    assertThat(pointers(answer)).containsExactly("/maxExamples");
  }

  private static String recordLevel(String name) {
    return submission(name)
        .replace("\"epochs\": 1", "\"steps\": 20, \"samplingRate\": 0.1")
        .replace(
            "\"rounds\"",
            """
            "privacy": {"kind": "record-level", "noiseMultiplier": 1.1, "exampleClip": 0.5, "delta": 1e-5},
            "rounds\"\
            """);
  }

  @Test
  void recordLevelPrivacyIsAcceptedWithTwoHonestSitesAndUniformWeights() {
    var accepted =
        submit(
            recordLevel("private-records")
                .replace("\"rounds\"", "\"minHonest\": 2, \"minReady\": 4, \"rounds\""));

    assertThat(accepted.status()).isEqualTo(202);
    var filled = get(accepted.header("Location")).body().get("submission");
    assertThat(filled.at("/weighting/kind").stringValue()).isEqualTo("uniform");
    assertThat(filled.at("/privacy/kind").stringValue()).isEqualTo("record-level");
    assertThat(filled.at("/privacy/exampleClip").doubleValue()).isEqualTo(0.5);
    assertThat(filled.get("minHonest").intValue()).isEqualTo(2);
    var plain = get(submit(submission("not-private")).header("Location")).body();
    assertThat(plain.at("/submission/privacy/kind").stringValue()).isEqualTo("none");
  }

  @Test
  void distributedPrivacyNamesItsContributors() {
    var accepted =
        submit(
            submission("private-sites")
                .replace(
                    "\"rounds\"",
                    "\"privacy\": {\"kind\": \"distributed\", \"noiseMultiplier\": 2, \"delta\": 1e-5}, \"rounds\""));

    assertThat(accepted.status()).isEqualTo(202);
    var filled = get(accepted.header("Location")).body().get("submission");
    assertThat(filled.at("/privacy/contributors").intValue()).isEqualTo(3); // 4 survivors, nC 1
    assertThat(filled.at("/weighting/kind").stringValue()).isEqualTo("uniform");
  }

  @Test
  void whoStatesEpsilonGetsTheLeastNoiseThatKeepsToItOverAllRounds() {
    var budget = new PrivacyBudget(2, 1e-5);

    var accepted =
        submit(recordLevel("by-epsilon").replace("\"noiseMultiplier\": 1.1", "\"epsilon\": 2"));

    assertThat(accepted.status()).isEqualTo(202);
    var privacy = get(accepted.header("Location")).body().at("/submission/privacy");
    assertThat(privacy.get("epsilon").doubleValue()).isEqualTo(2);
    double multiplier = privacy.get("noiseMultiplier").doubleValue();
    assertThat(budget.covers(loss(new PoissonGaussian(multiplier, 0.1, 2 * 20)))).isTrue();
    assertThat(budget.covers(loss(new PoissonGaussian(multiplier / 1.001, 0.1, 2 * 20)))).isFalse();
  }

  @Test
  void whoStatesEpsilonForDistributedNoiseGetsItOverAllRounds() {
    var accepted =
        submit(
            submission("sites-by-epsilon")
                .replace(
                    "\"rounds\"",
                    "\"privacy\": {\"kind\": \"distributed\", \"epsilon\": 4, \"delta\": 1e-5}, \"rounds\""));

    assertThat(accepted.status()).isEqualTo(202);
    var privacy = get(accepted.header("Location")).body().at("/submission/privacy");
    double multiplier = privacy.get("noiseMultiplier").doubleValue();
    assertThat(multiplier)
        .isEqualTo(Calibration.sumNoiseMultiplier(new PrivacyBudget(4, 1e-5), 3, 2));
  }

  @Test
  void anEpsilonThatNoNoiseReachesIsRefusedWithTheCostOfTheMost() {
    var answer =
        submit(
            recordLevel("unreachable-epsilon")
                .replace("\"noiseMultiplier\": 1.1", "\"epsilon\": 1e-9")
                .replace("1e-5", "1e-9"));

    assertThat(answer.body().at("/errors/0/detail").stringValue())
        .startsWith("noise 1000000.0 costs epsilon")
        .endsWith("the budget allows 1.0E-9; run less often, or sample less");
  }

  private static PrivacyLoss loss(PrivacyEvent event) {
    return PrivacyAccountant.deciding().epsilon(List.of(event), 1e-5);
  }

  static Stream<Arguments> contradictions() {
    return Stream.of(
        Arguments.of("\"steps\": 20, ", "\"steps\": 20, \"epochs\": 1, ", "/training/epochs"),
        Arguments.of("\"steps\": 20, ", "\"steps\": 20, \"batches\": 1, ", "/training/batches"),
        Arguments.of("\"steps\": 20, ", "", "/training/steps"),
        Arguments.of("\"samplingRate\": 0.1", "\"samplingRate\": 1.5", "/training/samplingRate"),
        Arguments.of("\"kind\": \"record-level\"", "\"kind\": \"local\"", "/privacy/kind"),
        Arguments.of("\"noiseMultiplier\": 1.1, ", "", "/privacy/noiseMultiplier"),
        Arguments.of(
            "\"noiseMultiplier\": 1.1, ",
            "\"noiseMultiplier\": 1.1, \"epsilon\": 2, ",
            "/privacy/epsilon"),
        Arguments.of("\"noiseMultiplier\": 1.1, ", "\"epsilon\": 0, ", "/privacy"),
        Arguments.of("\"noiseMultiplier\": 1.1, ", "\"epsilon\": \"low\", ", "/privacy/epsilon"),
        Arguments.of(
            "\"noiseMultiplier\": 1.1, \"exampleClip\": 0.5, \"delta\": 1e-5",
            "\"epsilon\": 1e-9, \"exampleClip\": 0.5, \"delta\": 1e-9",
            "/privacy/epsilon"),
        Arguments.of("\"exampleClip\": 0.5, ", "", "/privacy/exampleClip"),
        Arguments.of("\"exampleClip\": 0.5, ", "\"exampleClip\": 0, ", "/privacy"),
        Arguments.of("\"delta\": 1e-5", "\"delta\": 2", "/privacy"),
        Arguments.of("\"delta\": 1e-5", "\"delta\": 1e-5, \"colour\": 1", "/privacy/colour"),
        Arguments.of(
            "\"rounds\"",
            "\"weighting\": {\"kind\": \"by-examples\"}, \"rounds\"",
            "/weighting/kind"),
        Arguments.of("\"rounds\"", "\"minHonest\": 1, \"rounds\"", "/minHonest"));
  }

  @ParameterizedTest
  @MethodSource("contradictions")
  void aContradictionInPrivacyIsOneFault(String found, String put, String pointer) {
    var body = recordLevel("contradiction");
    assertThat(body).contains(found);

    var answer = submit(body.replace(found, put));

    assertThat(answer.status()).isEqualTo(422);
    assertThat(pointers(answer)).containsExactly(pointer);
  }

  @Test
  void stepsBelongToRecordLevelPrivacy() {
    var answer =
        submit(
            submission("steps").replace("\"epochs\": 1", "\"steps\": 20, \"samplingRate\": 0.1"));

    assertThat(answer.status()).isEqualTo(422);
    assertThat(pointers(answer)).containsExactly("/training/steps");
  }

  @Test
  void aRepeatedFieldIsNoJson() {
    var answer = submit("{\"name\": \"a\", \"name\": \"b\"}");

    assertThat(answer.status()).isEqualTo(400);
    assertThat(answer.body().get("detail").stringValue()).contains("name");
  }

  @Test
  void anIdempotencyKeyMakesOneRunAndHoldsForOneBody() {
    var first = submit(submission("once"), "Idempotency-Key", "k1");

    var again = submit(submission("once"), "Idempotency-Key", "k1");
    var other = submit(submission("once-more"), "Idempotency-Key", "k1");

    assertThat(again.status()).isEqualTo(202);
    assertThat(again.header("Location")).isEqualTo(first.header("Location"));
    assertThat(other.status()).isEqualTo(422);
    assertThat(other.body().get("detail").stringValue()).contains("used with another body");
  }

  @Test
  void aNameServesOnce() {
    assertThat(submit(submission("taken")).status()).isEqualTo(202);

    var answer = submit(submission("taken"));

    assertThat(answer.status()).isEqualTo(422);
    assertThat(pointers(answer)).containsExactly("/name");
  }

  @Test
  void aCancelledRunSaysSoAndStaysCancelled() {
    submit(submission("cancelled"));

    var first = federation.send("POST", "/api/v1/runs/cancelled/cancel", "", researcher);
    var second = federation.send("POST", "/api/v1/runs/cancelled/cancel", "", researcher);

    assertThat(first.body().get("changed").booleanValue()).isTrue();
    assertThat(second.body().get("changed").booleanValue()).isFalse();
    var shown = get("/api/v1/runs/cancelled").body();
    assertThat(shown.get("state").stringValue()).isEqualTo("CANCELLED");
    assertThat(shown.at("/health/level").stringValue()).isEqualTo("CANCELLED");
  }

  @Test
  void theEventStreamResumesAfterTheLastEventSeen() throws Exception {
    submit(submission("followed"));
    federation.send("POST", "/api/v1/runs/followed/cancel", "", researcher);
    var journal = get("/api/v1/runs/followed/journal").body();
    assertThat(journal.size()).isGreaterThan(1);
    long last = journal.get(journal.size() - 1).get("revision").longValue();

    var all = revisions("0", last);
    var rest = revisions(Long.toString(last - 1), last);

    assertThat(all)
        .containsExactlyElementsOf(
            StreamSupport.stream(journal.spliterator(), false)
                .map(line -> line.get("revision").longValue())
                .toList());
    assertThat(rest).containsExactly(last);
  }

  /// Ids of the journal's events after `seen`, up to `last`.
  private static List<Long> revisions(String seen, long last)
      throws IOException, InterruptedException {
    var request =
        HttpRequest.newBuilder(federation.uri("/api/v1/events?run=followed"))
            .timeout(Duration.ofSeconds(30))
            .headers(researcher)
            .header("Last-Event-ID", seen)
            .build();
    var response = federation.http().send(request, BodyHandlers.ofLines());
    assertThat(response.statusCode()).isEqualTo(200);
    assertThat(response.headers().firstValue("Content-Type").orElse(""))
        .startsWith("text/event-stream");
    List<Long> revisions = new ArrayList<>();
    try (var lines = response.body()) {
      var event = "";
      long id = -1;
      for (Iterator<String> each = lines.iterator(); id < last && each.hasNext(); ) {
        var line = each.next();
        if (line.startsWith("event:")) {
          event = line.substring(6);
        } else if (line.startsWith("id:")) {
          long here = Long.parseLong(line.substring(3));
          if (!event.equals("heartbeat")) {
            id = here;
            revisions.add(here);
          }
        }
      }
    }
    return revisions;
  }

  @Test
  void versionZeroIsThereAtOnceAndItsWeightsCanBeFetchedInParts() throws Exception {
    submit(submission("weights"));

    var versions = get("/api/v1/models/weights/versions").body();
    assertThat(versions.size()).isEqualTo(1);
    assertThat(versions.get(0).get("parent").isNull()).isTrue();
    var artifact = versions.get(0).at("/artifacts/0");
    assertThat(artifact.get("role").stringValue()).isEqualTo("weights");
    var uri = federation.uri(artifact.get("href").stringValue());
    var whole =
        federation
            .http()
            .send(
                HttpRequest.newBuilder(uri).headers(researcher).build(),
                BodyHandlers.ofByteArray());
    var part =
        federation
            .http()
            .send(
                HttpRequest.newBuilder(uri)
                    .headers(researcher)
                    .header("Range", "bytes=8-15")
                    .build(),
                BodyHandlers.ofByteArray());

    assertThat(Digest.of(whole.body()).hex()).isEqualTo(artifact.get("digest").stringValue());
    assertThat(part.statusCode()).isEqualTo(206);
    assertThat(part.body()).isEqualTo(Arrays.copyOfRange(whole.body(), 8, 16));
  }

  @Test
  void whatIsNotThereIsNotFound() {
    for (var path :
        List.of(
            "/api/v1/runs/none",
            "/api/v1/runs/none/rounds",
            "/api/v1/runs/none/journal",
            "/api/v1/models/none/versions",
            "/api/v1/sessions/none",
            "/api/v1/events?run=none")) {
      assertThat(get(path).status()).as(path).isEqualTo(404);
    }
  }
}
