package dev.comity.accounting;

import dev.comity.accounting.PrivacyLossDistribution.Direction;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Accounts for Gaussian noise, Poisson-sampled or not, and for single integers with discrete
/// Gaussian noise by privacy loss distributions, the tightest of the accountants. The loss of
/// adding a record and that of removing one are composed each for itself; the larger counts.
///
/// The grid has an interval of 1e-4, but at least 64 and no more than 4096 points for one run's
/// standard deviation, and is made coarser where the composition would not fit into 2^20 points.
/// The coarser, the more it overstates. It also overstates every δ by about 1e-15, and 2e-16 for
/// each run, for what was cut off and rounded; at a δ below that it answers an infinite ε.
public final class PldAccountant implements PrivacyAccountant {
  private static final double INTERVAL = 1e-4;
  private static final double LEAST_POINTS_PER_DEVIATION = 64;
  private static final double MOST_POINTS_PER_DEVIATION = 4096;
  private static final int FEW_POINTS = 1 << 12;
  private static final int MOST_POINTS = 1 << 20;
  private static final double NEARLY = 0.9;

  /// A discrete Gaussian wider than this is left to the other accountants.
  private static final double MOST_DISCRETE_SIGMA = 20_000;

  @Override
  public boolean covers(PrivacyEvent event) {
    return switch (event) {
      case PrivacyEvent.PoissonGaussian _, PrivacyEvent.Gaussian _ -> true;
      case PrivacyEvent.DiscreteGaussianInteger(double sigma, _, _) -> sigma <= MOST_DISCRETE_SIGMA;
      case PrivacyEvent.DiscreteGaussianSum _ -> false;
    };
  }

  @Override
  public PrivacyLoss epsilon(Collection<? extends PrivacyEvent> events, double delta) {
    PrivacyLoss.requireDelta(delta);
    double epsilon =
        compose(events).stream().mapToDouble(losses -> losses.epsilon(delta)).max().orElse(0);
    return new PrivacyLoss(epsilon, delta, PrivacyLoss.Method.PLD);
  }

  @Override
  public double delta(Collection<? extends PrivacyEvent> events, double epsilon) {
    PrivacyLoss.requireEpsilon(epsilon);
    return compose(events).stream().mapToDouble(losses -> losses.delta(epsilon)).max().orElse(0);
  }

  /// One distribution where both directions are the same, two where not, none without events.
  private List<PrivacyLossDistribution> compose(Collection<? extends PrivacyEvent> events) {
    Map<Mechanism, Long> mechanisms = mechanisms(Composition.of(this, events));
    if (mechanisms.isEmpty()) {
      return List.of();
    }
    List<PrivacyLossDistribution> composed = new ArrayList<>();
    composed.add(compose(mechanisms, Direction.REMOVE));
    if (!mechanisms.keySet().stream().allMatch(Mechanism::symmetric)) {
      composed.add(compose(mechanisms, Direction.ADD));
    }
    return composed;
  }

  private sealed interface Mechanism {
    PrivacyLossDistribution losses(Direction direction, double interval);

    /// Largest less smallest finite loss.
    double range();

    /// Whether adding and removing have the same distribution of losses.
    boolean symmetric();
  }

  private record Sampled(double sigma, double q) implements Mechanism {
    @Override
    public PrivacyLossDistribution losses(Direction direction, double interval) {
      return PrivacyLossDistribution.sampledGaussian(sigma, q, direction, interval);
    }

    @Override
    public double range() {
      return PrivacyLossDistribution.range(sigma, q);
    }

    @Override
    public boolean symmetric() {
      return q == 1;
    }
  }

  private record Discrete(double sigma, long sensitivity) implements Mechanism {
    @Override
    public PrivacyLossDistribution losses(Direction direction, double interval) {
      return PrivacyLossDistribution.discreteGaussian(sigma, sensitivity, interval);
    }

    @Override
    public double range() {
      return PrivacyLossDistribution.discreteRange(sigma, sensitivity);
    }

    @Override
    public boolean symmetric() {
      return true;
    }
  }

  /// Gaussian mechanisms compose to one Gaussian with `1/σ² = Σ 1/σᵢ²` (Dong, Roth, Su 2022,
  /// corollary 3.3).
  private static Map<Mechanism, Long> mechanisms(Map<PrivacyEvent, Long> composition) {
    Map<Mechanism, Long> mechanisms = new LinkedHashMap<>();
    double precision = 0;
    for (var entry : composition.entrySet()) {
      switch (entry.getKey()) {
        case PrivacyEvent.PoissonGaussian(double sigma, double q, _) ->
            mechanisms.put(new Sampled(sigma, q), entry.getValue());
        case PrivacyEvent.Gaussian(double sigma, _) ->
            precision += entry.getValue() / (sigma * sigma);
        case PrivacyEvent.DiscreteGaussianInteger(double sigma, long sensitivity, _) ->
            mechanisms.put(new Discrete(sigma, sensitivity), entry.getValue());
        case PrivacyEvent.DiscreteGaussianSum event ->
            throw new IllegalStateException("not covered: " + event);
      }
    }
    if (precision > 0) {
      mechanisms.put(new Sampled(1 / Math.sqrt(precision), 1), 1L);
    }
    return mechanisms;
  }

  private static PrivacyLossDistribution compose(
      Map<Mechanism, Long> mechanisms, Direction direction) {
    double range = mechanisms.keySet().stream().mapToDouble(Mechanism::range).max().orElseThrow();
    double interval = Math.max(INTERVAL, range / FEW_POINTS);
    PldComposition composition = onGrid(mechanisms, direction, interval);
    // A grid that is coarse for the deviation overstates it, so this may take a few rounds.
    for (double finer = interval(composition.deviation(), range);
        finer < NEARLY * interval;
        finer = interval(composition.deviation(), range)) {
      interval = finer;
      composition = onGrid(mechanisms, direction, interval);
    }
    while (composition.points() > MOST_POINTS) {
      interval *= 2;
      composition = onGrid(mechanisms, direction, interval);
    }
    return composition.compose();
  }

  private static double interval(double deviation, double range) {
    double wanted =
        Math.min(
            Math.max(INTERVAL, deviation / MOST_POINTS_PER_DEVIATION),
            deviation / LEAST_POINTS_PER_DEVIATION);
    return Math.max(wanted, range / MOST_POINTS);
  }

  private static PldComposition onGrid(
      Map<Mechanism, Long> mechanisms, Direction direction, double interval) {
    Map<PrivacyLossDistribution, Long> runs = new LinkedHashMap<>();
    mechanisms.forEach(
        (mechanism, times) -> runs.put(mechanism.losses(direction, interval), times));
    return new PldComposition(runs);
  }
}
