package dev.comity.agent.participation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comity.codec.Bytes;
import dev.comity.codec.CborWriter;
import dev.comity.plan.ModelVersion;
import dev.comity.plan.PlanCodec;
import dev.comity.plan.RunKind;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OfferStoreTest {
  private static final Instant DEADLINE = Instant.parse("2026-11-26T08:00:00Z");

  @TempDir private Path folder;

  @Test
  void aSessionIsEnteredUnderAPermittedPlanAloneAlsoAfterARestart() throws Exception {
    var store = new OfferStore(folder);
    var offer = offer();
    store.keep(offer);
    assertThat(store.plan(offer.digest())).contains(offer.plan());
    assertThat(store.permittedPlan(offer.digest())).isEmpty();

    store.permit(offer);
    assertThat(store.permittedPlan(offer.digest())).contains(offer.plan());
    assertThat(new OfferStore(folder).permittedPlan(offer.digest())).contains(offer.plan());

    store.refuse(offer);
    assertThat(store.permittedPlan(offer.digest())).isEmpty();
    assertThat(new OfferStore(folder).permittedPlan(offer.digest())).isEmpty();

    store.permit(offer);
    store.forget(offer);
    assertThat(new OfferStore(folder).permittedPlan(offer.digest())).isEmpty();
    try (var left = Files.list(folder)) {
      assertThat(left).isEmpty();
    }
  }

  @Test
  void anOfferThatWasKeptBeforeOffersHadADeadlineIsRead() {
    var offer = offer();

    var read =
        Offer.decode(
            CborWriter.map()
                .bytes("plan", offer.planDocument())
                .bytes("version", offer.versionDocument())
                .toBytes());

    assertThat(read.plan()).isEqualTo(offer.plan());
    assertThat(read.trainUntil()).isAfter(DEADLINE);
    assertThat(Offer.decode(read.encode())).isEqualTo(read);
  }

  private static Offer offer() {
    var plan = TestPlans.plain(RunKind.TRAIN, 5);
    var version =
        new ModelVersion(
            plan.terms().federation(),
            plan.terms().run(),
            0,
            Optional.empty(),
            plan.terms().architecture(),
            plan.terms().weights(),
            plan.terms().optimizerState(),
            plan.terms().parameters().digest(),
            Optional.empty());
    return Offer.decode(
        Bytes.of(PlanCodec.encode(plan)), Bytes.of(PlanCodec.encode(version)), DEADLINE);
  }
}
