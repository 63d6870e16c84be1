package dev.comity.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comity.plan.Digest;
import dev.comity.session.GraphRule;
import dev.comity.session.ServerSession;
import dev.comity.session.SessionDescriptor;
import dev.comity.session.SignedView;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ScaleRunTest {
  private static final int COORDINATES = 1000;
  private static final List<Integer> DROP_OUTS = List.of(0, 10, 30);

  @AfterEach
  void forget() {
    MemoisedCryptography.uninstall();
  }

  private static List<ScaleRun.Outcome> outcomes(ScaleRun run) {
    List<ScaleRun.Outcome> outcomes = run.run(DROP_OUTS, _ -> {});

    assertThat(outcomes).extracting(ScaleRun.Outcome::dropOutPercent).isEqualTo(DROP_OUTS);
    assertThat(outcomes)
        .allSatisfy(outcome -> {
          assertThat(outcome.end()).isEqualTo(ServerSession.State.DONE);
          assertThat(outcome.equal()).isTrue();
        });
    return outcomes;
  }

  @Test
  void onARingTheSumIsThePlainSumAtEachDropOutRate() {
    // a weak rule, so that sixty sites need no complete graph
    ScaleRun run =
        new ScaleRun(
            60, 1, COORDINATES, 2, ScaleRun.Bulk.SPARING, new GraphRule(30, 8, 4, 300), _ -> {});

    assertThat(run.graph()).isInstanceOf(SessionDescriptor.Graph.Regular.class);
    assertThat(outcomes(run)).extracting(ScaleRun.Outcome::survivors).containsExactly(60, 54, 42);
  }

  @Test
  void onTheCompleteGraphTooAndEveryCostIsMeasured() {
    ScaleRun run =
        new ScaleRun(20, 2, COORDINATES, 2, ScaleRun.Bulk.WHOLE, GraphRule.STANDARD, _ -> {});

    assertThat(outcomes(run))
        .allSatisfy(outcome -> {
          ScaleRun.Cost site = Objects.requireNonNull(outcome.site().get(SignedView.Kind.SHARES));
          ScaleRun.Cost aggregator =
              Objects.requireNonNull(outcome.aggregator().get(SignedView.Kind.SHARES));
          assertThat(site.sent()).isGreaterThan(4L * COORDINATES).isLessThan(5L * COORDINATES);
          assertThat(site.milliseconds()).isPositive();
          assertThat(aggregator.received()).isEqualTo(20 * site.sent());
          assertThat(outcome.site()).containsKeys(SignedView.Kind.CERTIFICATE);
        });
  }

  @Test
  void lightSitesSendWhatWholeOnesDo() {
    GraphRule onARing = new GraphRule(30, 8, 4, 300);
    ScaleRun.Bulk light = ScaleRun.Bulk.LIGHT;
    ScaleRun.Bulk whole = ScaleRun.Bulk.WHOLE;

    assertThat(transcripts(40, light, onARing)).isEqualTo(transcripts(40, whole, onARing));
    assertThat(transcripts(12, light, GraphRule.STANDARD))
        .isEqualTo(transcripts(12, whole, GraphRule.STANDARD));
  }

  private static List<Digest> transcripts(int sites, ScaleRun.Bulk bulk, GraphRule rule) {
    return outcomes(new ScaleRun(sites, 1, COORDINATES, 2, bulk, rule, _ -> {})).stream()
        .map(ScaleRun.Outcome::transcript)
        .toList();
  }

  @Test
  void moreDropOutsThanTheRingBearsEndInAProofOfAbort() {
    ScaleRun run =
        new ScaleRun(
            60, 1, COORDINATES, 2, ScaleRun.Bulk.SPARING, new GraphRule(30, 8, 4, 50), _ -> {});

    ScaleRun.Outcome outcome = run.run(List.of(40), _ -> {}).getFirst();

    assertThat(outcome.end()).isEqualTo(ServerSession.State.ABORTED);
    assertThat(outcome.survivors()).isZero();
  }
}
