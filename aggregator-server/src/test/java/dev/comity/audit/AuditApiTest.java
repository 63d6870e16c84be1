package dev.comity.audit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comity.aggregator.TestFederation;
import dev.comity.aggregator.TestFederation.Answer;
import dev.comity.aggregator.TestSite;
import dev.comity.codec.Bytes;
import dev.comity.plan.Digest;
import dev.comity.transparency.AuditEntry;
import dev.comity.transparency.ConsistencyProof;
import dev.comity.transparency.Countersignature;
import dev.comity.transparency.InclusionProof;
import dev.comity.transparency.SignedHead;
import java.io.IOException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.util.Base64;
import java.util.List;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/// The log over REST, of a federation that took three membership epochs.
class AuditApiTest {
  @TempDir static Path directory;
  private static TestFederation federation;
  private static String[] viewer;
  private static final TestSite[] SITES = {TestSite.named("site-0"), TestSite.named("site-1")};

  @BeforeAll
  static void start() throws IOException, GeneralSecurityException {
    federation = TestFederation.start(directory);
    for (TestSite site : SITES) {
      assertThat(federation.enrol(site).status()).isEqualTo(201);
    }
    var admin = federation.token("ADMIN");
    for (var members : List.of(new TestSite[] {SITES[0]}, SITES, new TestSite[] {SITES[1]})) {
      assertThat(federation.admit(federation.membership(members), admin).status()).isEqualTo(204);
    }
    viewer = TestFederation.bearer(federation.token("VIEWER"));
  }

  @AfterAll
  static void stop() {
    federation.close();
  }

  private static Answer get(String path) {
    return federation.send("GET", "/api/v1/audit/" + path, "", viewer);
  }

  private static JsonNode found(String path) {
    var answer = get(path);
    assertThat(answer.status()).as(answer.response().body()).isEqualTo(200);
    return answer.body();
  }

  private static byte[] decoded(JsonNode base64) {
    return Base64.getDecoder().decode(base64.stringValue());
  }

  private static Digest digest(JsonNode hex) {
    return Digest.fromHex(hex.stringValue());
  }

  private static List<Digest> path(JsonNode path) {
    return StreamSupport.stream(path.spliterator(), false).map(AuditApiTest::digest).toList();
  }

  @Test
  void theHeadIsSignedByTheAggregatorAndCoversEveryMembership() {
    var head = found("head");

    var signed =
        new SignedHead(
            Bytes.of(decoded(head.get("document"))), Bytes.of(decoded(head.get("signature"))));
    var verified = signed.verify(federation.aggregator());
    assertThat(verified.size()).isEqualTo(3).isEqualTo(head.get("size").longValue());
    assertThat(verified.root()).isEqualTo(digest(head.get("root")));
    assertThat(verified.federation()).isEqualTo(TestFederation.NAME);
    assertThat(found("head?size=3")).isEqualTo(head);
  }

  @Test
  void leavesComeInPagesAndAreProvenByIndexAndByDigest() {
    var leaves = found("leaves?from=1&limit=2");

    assertThat(leaves.size()).isEqualTo(2);
    for (JsonNode leaf : leaves) {
      var entry = AuditEntry.decode(decoded(leaf.get("entry")));
      assertThat(entry).isInstanceOf(AuditEntry.Membership.class);
      assertThat(leaf.get("kind").stringValue()).isEqualTo("membership");
      assertThat(digest(leaf.get("digest"))).isEqualTo(entry.leafHash());
      long index = leaf.get("index").longValue();
      var byIndex = found("inclusion?index=" + index);
      assertThat(found("inclusion?digest=" + leaf.get("digest").stringValue() + "&size=3"))
          .isEqualTo(byIndex);
      assertThat(
              new InclusionProof(index, 3, path(byIndex.get("path")))
                  .proves(entry.leafHash(), digest(byIndex.get("root"))))
          .isTrue();
    }
    assertThat(found("leaves?from=3")).isEmpty();
  }

  @Test
  void theLogOfThreeContinuesTheLogOfTwo() {
    var proof = found("consistency?from=2&to=3");

    assertThat(
            new ConsistencyProof(2, 3, path(proof.get("path")))
                .proves(digest(proof.get("fromRoot")), digest(proof.get("toRoot"))))
        .isTrue();
    assertThat(digest(proof.get("toRoot"))).isEqualTo(digest(found("head").get("root")));
  }

  @Test
  void aStoredCountersignatureIsShownAndVerifies() {
    found("head");
    var heads = federation.context.getBean(AuditHeads.class);
    var made =
        Countersignature.sign(
            new dev.comity.plan.SiteId("site-1"), heads.newest().signed(), SITES[1].message());
    assertThat(heads.countersign(3, made)).isEqualTo(new AuditHeads.Outcome.Stored());
    assertThat(heads.countersign(3, made)).isEqualTo(new AuditHeads.Outcome.Stored());

    var shown = found("countersignatures?size=3");

    assertThat(shown.size()).isEqualTo(1);
    var one = shown.get(0);
    assertThat(one.get("site").stringValue()).isEqualTo("site-1");
    assertThat(Bytes.of(decoded(one.get("signature")))).isEqualTo(made.signature());
    assertThat(digest(one.get("head"))).isEqualTo(made.head());
  }

  @Test
  void everyBadArgumentIsAProblemThatSaysTheLimit() {
    var bad =
        List.of(
            "leaves?from=-1",
            "leaves?limit=0",
            "leaves?limit=1001",
            "leaves?from=x",
            "inclusion",
            "inclusion?index=3",
            "inclusion?index=-1",
            "inclusion?index=0&size=4",
            "inclusion?index=0&size=-1",
            "inclusion?index=0&digest=00",
            "inclusion?digest=xyz",
            "consistency",
            "consistency?from=3&to=2",
            "consistency?from=-1",
            "consistency?from=0&to=4",
            "head?size=x");
    for (String path : bad) {
      var answer = get(path);
      assertThat(answer.status()).as(path + ": " + answer.response().body()).isEqualTo(400);
      assertThat(answer.header("Content-Type")).startsWith("application/problem+json");
      assertThat(answer.body().get("detail").stringValue()).isNotBlank();
    }
    assertThat(get("inclusion?index=3").body().get("detail").stringValue())
        .isEqualTo("index 3: must be 0 to 2, a leaf of the log of size 3.");
    for (String path :
        List.of(
            "head?size=99",
            "countersignatures?size=99",
            "inclusion?digest=" + Digest.of(new byte[0]).hex())) {
      assertThat(get(path).status()).as(path).isEqualTo(404);
    }
  }

  @Test
  void nobodyReadsTheLogWithoutSigningIn() {
    assertThat(federation.send("GET", "/api/v1/audit/head", "").status()).isEqualTo(401);
  }

  @Test
  void theExportOfAModelThatDoesNotExistIsNotFound() {
    var answer =
        federation.send("GET", "/api/v1/models/nothing/versions/1/audit-export", "", viewer);

    assertThat(answer.status()).isEqualTo(404);
    assertThat(answer.header("Content-Type")).startsWith("application/problem+json");
  }

  @Test
  void theDescriptionOfTheApiNamesEveryPathOfTheLog() {
    var paths = federation.send("GET", "/v3/api-docs", "", viewer).body().get("paths");

    for (String path :
        List.of(
            "/api/v1/audit/head",
            "/api/v1/audit/leaves",
            "/api/v1/audit/inclusion",
            "/api/v1/audit/consistency",
            "/api/v1/audit/countersignatures",
            "/api/v1/models/{name}/versions/{version}/audit-export")) {
      assertThat(paths.has(path)).as(path).isTrue();
    }
  }
}
