package dev.comity.agent.protection;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.comity.algorithm.LocalObjective;
import dev.comity.algorithm.Weighting;
import dev.comity.plan.Architecture;
import dev.comity.plan.Digest;
import dev.comity.plan.Encoding;
import dev.comity.plan.FederationId;
import dev.comity.plan.LocalTraining;
import dev.comity.plan.LocalWork;
import dev.comity.plan.Loss;
import dev.comity.plan.Noise;
import dev.comity.plan.ParameterLayout;
import dev.comity.plan.RunId;
import dev.comity.plan.RunKind;
import dev.comity.plan.SiteId;
import dev.comity.plan.UpdateTerms;
import dev.comity.plan.VectorLayout;
import dev.comity.update.LocalUpdate;
import dev.comity.update.Metrics;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class UpdateStoreTest {
  private static final FederationId FEDERATION = new FederationId("heart");
  private static final Architecture MODEL =
      new Architecture(Architecture.LOGISTIC_REGRESSION, List.of(40, 10));
  private static final float[] BASE = new float[410];

  @TempDir private Path folder;

  @Test
  void roundingDependsOnTheBaseModelsValuesAndNotOnTheTranscriptItsDigestNames()
      throws IOException {
    var keys = SiteKeys.create(folder.resolve("keys"), FEDERATION, new SiteId("cleveland"));
    var otherBase = BASE.clone();
    otherBase[7] = 1;

    var stored = stored(keys, terms("first transcript", 3), BASE);

    assertThat(stored(keys, terms("second transcript", 3), BASE)).isEqualTo(stored);
    assertThat(stored(keys, terms("first transcript", 4), BASE)).isNotEqualTo(stored);
    assertThat(stored(keys, terms("first transcript", 3), otherBase)).isNotEqualTo(stored);
  }

  @Test
  void anErasedUpdateIsNeverMadeAnewUnderWhateverTerms() {
    var keys = SiteKeys.create(folder.resolve("keys"), FEDERATION, new SiteId("cleveland"));
    var store = new UpdateStore(folder.resolve("updates"), keys);
    var terms = terms("base", 3);
    assertThat(store.isErased(terms)).isFalse();
    store.protect(terms, BASE, update(), false);
    assertThat(store.isErased(terms)).isFalse();

    store.eraseOlder(terms.run(), 4);

    var again = new UpdateStore(folder.resolve("updates"), keys);
    assertThat(again.storedTerms(terms)).isEmpty();
    assertThat(again.isErased(terms)).isTrue();
    assertThat(again.isErased(terms("another document", 3))).isTrue();
    assertThat(again.isErased(terms("base", 2))).isFalse();
    assertThatThrownBy(() -> again.protect(terms, BASE, update(), false))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("erased");
  }

  @Test
  void aSecondDocumentAboutTheSameVersionGetsNoSecondUpdate() throws IOException {
    var keys = SiteKeys.create(folder.resolve("keys"), FEDERATION, new SiteId("cleveland"));
    var place = folder.resolve("updates");
    var store = new UpdateStore(place, keys);
    var first = terms("first transcript", 3);
    var second = terms("second transcript", 3);
    store.protect(first, BASE, update(), false);

    store.protect(second, BASE, update(), false);

    assertThat(store.storedTerms(second)).contains(first.digest());
    assertThat(store.load(first)).isPresent();
    assertThat(store.load(second)).isEmpty();
    try (var files = Files.list(place)) {
      assertThat(files.filter(file -> file.toString().endsWith(".z"))).hasSize(1);
    }
  }

  private static LocalUpdate update() {
    var delta = new float[BASE.length];
    Arrays.fill(delta, 0.01f);
    return LocalUpdate.of(delta, 0.5, Metrics.withoutHistograms(1.5, 40, 100));
  }

  private byte[] stored(SiteKeys keys, UpdateTerms terms, float[] base) throws IOException {
    var place = Files.createTempDirectory(folder, "updates");
    new UpdateStore(place, keys).protect(terms, base, update(), false);
    try (var files = Files.list(place)) {
      var update = files.filter(file -> file.toString().endsWith(".z")).findFirst().orElseThrow();
      return Files.readAllBytes(update);
    }
  }

  private static UpdateTerms terms(String baseModel, int baseVersion) {
    var digest = Digest.of(new byte[] {1});
    var encoding = new Encoding(32, 8);
    return new UpdateTerms(
        FEDERATION,
        new RunId(new UUID(1, 2)),
        RunKind.TRAIN,
        "study",
        "a test",
        digest,
        Digest.of(baseModel.getBytes(StandardCharsets.US_ASCII)),
        baseVersion,
        MODEL,
        digest,
        digest,
        ParameterLayout.of(MODEL),
        VectorLayout.of(RunKind.TRAIN, MODEL, encoding, 10, 1000, 20),
        new LocalObjective.Plain(),
        new LocalTraining(Loss.SOFTMAX_CROSS_ENTROPY, 10, new LocalWork.Batches(20), 0.1, 0, 0),
        5,
        new Weighting.ByExamples(1000),
        10,
        new Noise.None(),
        encoding,
        1000,
        20,
        false);
  }
}
