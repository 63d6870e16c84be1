package dev.comity.demo;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comity.demo.MaskedSession.Seat;
import dev.comity.demo.MaskedSession.Summed;
import dev.comity.plan.RoundPlan;
import dev.comity.plan.SiteId;
import dev.comity.plan.UpdateTerms;
import dev.comity.plan.VectorLayout;
import dev.comity.session.SignedView;
import dev.comity.update.NoisedUpdate;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What a masked session yields against plain weighted averaging, on updates that five generated
/// sites trained; at n = 5 and n_C = 1 a sum needs m = 4 of them.
class MaskedAggregationTest {
  private static final List<SignedView.Kind> PHASES =
      List.of(
          SignedView.Kind.DESCRIPTOR,
          SignedView.Kind.KEYS,
          SignedView.Kind.SHARES,
          SignedView.Kind.HEADERS,
          SignedView.Kind.CERTIFICATE);
  private static final long SEED = 11;

  @TempDir private Path folder;

  /// A site that answers nothing from a view on.
  private record Gone(SiteId site, SignedView.Kind from) {
    boolean answers(SiteId other, SignedView.Kind kind) {
      return !other.equals(site) || kind.compareTo(from) < 0;
    }
  }

  @Test
  void theMaskedMeanIsThePlainMeanAtEveryDropOutThatTheQuorumAllows() throws Exception {
    var federation = federation();
    var patterns = new ArrayList<Optional<Gone>>();
    patterns.add(Optional.empty());
    for (int site = 1; site <= 5; site++) {
      for (var phase : PHASES) {
        patterns.add(Optional.of(new Gone(new SiteId("site-" + site), phase)));
      }
    }

    var updates = new Updates(federation);
    for (var gone : patterns) {
      var summed = session(federation, updates, gone.stream().toList()).orElseThrow();

      assertThat(summed.survivors()).as("%s", gone).hasSize(survivors(gone)).isSorted();
      assertThat(distance(summed, updates))
          .as("%s", gone)
          .isLessThanOrEqualTo(bound(summed, updates));
    }
  }

  @Test
  void twoSitesThatLeaveBeforeTheirInputIsSentLeaveNoSum() throws Exception {
    var federation = federation();
    var updates = new Updates(federation);

    var summed =
        session(
            federation,
            updates,
            List.of(
                new Gone(new SiteId("site-2"), SignedView.Kind.SHARES),
                new Gone(new SiteId("site-5"), SignedView.Kind.SHARES)));

    assertThat(summed).isEmpty();
  }

  private InProcessFederation federation() {
    var recipe = Recipe.named("synthetic");
    var run = new LinkedHashMap<>(recipe.runFor("fedavg"));
    run.putIfAbsent("minReady", 5);
    run.putIfAbsent("nC", 1);
    run.putIfAbsent("minHonest", 3);
    return new InProcessFederation(
        PlannedStudy.of(run), recipe.prepare(folder, folder.resolve("sites")));
  }

  private static int survivors(Optional<Gone> gone) {
    return gone.filter(site -> site.from().compareTo(SignedView.Kind.HEADERS) < 0).isPresent()
        ? 4
        : 5;
  }

  /// What each site trained, once, and what plain averaging needs of it.
  private final class Updates {
    private final RoundPlan plan;
    private final Map<SiteId, double[]> clipped = new LinkedHashMap<>();
    private final Map<SiteId, Double> weights = new LinkedHashMap<>();
    private final Map<SiteId, NoisedUpdate> stored = new LinkedHashMap<>();

    Updates(InProcessFederation federation) throws IOException, InterruptedException {
      try (var run = federation.new Run(SEED, folder.resolve("training"))) {
        plan = run.plan(1);
        UpdateTerms terms = plan.terms();
        for (var site : run.sites()) {
          var outcome = site.work(terms, run.weights());
          clipped.put(site.id(), clip(outcome.delta(), terms.clipNorm()));
          weights.put(site.id(), terms.weighting().weight(outcome.examples()));
          stored.put(site.id(), site.protect(terms, run.weights(), outcome));
        }
      }
    }

    double[] clipped(SiteId site) {
      return Objects.requireNonNull(clipped.get(site));
    }

    double weight(SiteId site) {
      return Objects.requireNonNull(weights.get(site));
    }
  }

  private int sessions;

  private Optional<Summed> session(InProcessFederation federation, Updates updates, List<Gone> gone)
      throws IOException {
    sessions++;
    try (var run = federation.new Run(SEED, folder.resolve("session-" + sessions))) {
      var seats = new LinkedHashMap<SiteId, Seat>();
      for (var site : run.sites()) {
        var stored = Objects.requireNonNull(updates.stored.get(site.id()));
        seats.put(site.id(), new Seat(run.inSession(site), stored));
      }
      return run.session(
          updates.plan,
          seats,
          (site, kind) -> gone.stream().allMatch(one -> one.answers(site, kind)));
    }
  }

  private static double[] clip(float[] delta, double norm) {
    double squares = 0;
    for (float element : delta) {
      squares += (double) element * element;
    }
    double factor = Math.min(1, norm / Math.sqrt(squares));
    var clipped = new double[delta.length];
    for (int i = 0; i < clipped.length; i++) {
      clipped[i] = delta[i] * factor;
    }
    return clipped;
  }

  /// The largest difference of a coordinate.
  private static double distance(Summed summed, Updates updates) {
    float[] masked = summed.sum().mean();
    double weights = weights(summed, updates);
    double largest = 0;
    for (int i = 0; i < masked.length; i++) {
      double plain = 0;
      for (var site : summed.survivors()) {
        plain += updates.weight(site) * updates.clipped(site)[i];
      }
      largest = Math.max(largest, Math.abs(masked[i] - plain / weights));
    }
    return largest;
  }

  /// n/(S·Σw), the bound on the error of a weighted mean of n rounded values.
  private static double bound(Summed summed, Updates updates) {
    double scale = updates.plan.terms().vector().block(VectorLayout.Kind.UPDATE).scale();
    return summed.survivors().size() / (scale * weights(summed, updates));
  }

  private static double weights(Summed summed, Updates updates) {
    return summed.survivors().stream().mapToDouble(updates::weight).sum();
  }
}
