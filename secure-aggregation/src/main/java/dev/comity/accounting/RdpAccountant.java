package dev.comity.accounting;

import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;

/// Accounts for every event by Rényi differential privacy (Mironov 2017): divergences of one order
/// add up under composition, and the best of a grid of orders is converted to (ε, δ).
public final class RdpAccountant implements PrivacyAccountant {
  /// 1.1, 1.2 … 10.9, 11 … 63, 128, 256, 512, 1024: fine where a training's best order lies, with a
  /// few large ones for small losses.
  public static final List<Double> DEFAULT_ORDERS =
      DoubleStream.concat(
              IntStream.range(1, 100).mapToDouble(tenth -> 1 + tenth / 10.0),
              IntStream.concat(IntStream.range(11, 64), IntStream.of(128, 256, 512, 1024))
                  .mapToDouble(order -> order))
          .boxed()
          .toList();

  private static final double MOST_ORDER = 1e5;

  private final double[] orders;

  public RdpAccountant() {
    this(DEFAULT_ORDERS);
  }

  /// @param orders at least one, each above 1 and at most 100,000
  public RdpAccountant(List<Double> orders) {
    if (orders.isEmpty()) {
      throw new IllegalArgumentException("no orders: give at least one above 1");
    }
    for (double order : orders) {
      requireOrder(order);
    }
    this.orders = orders.stream().mapToDouble(Double::doubleValue).toArray();
  }

  @Override
  public boolean covers(PrivacyEvent event) {
    return true;
  }

  /// The Rényi divergence of the composition, ≥ 0.
  ///
  /// @param order above 1 and at most 100,000
  public double divergence(Collection<? extends PrivacyEvent> events, double order) {
    requireOrder(order);
    return divergence(Composition.of(this, events), order);
  }

  @Override
  public PrivacyLoss epsilon(Collection<? extends PrivacyEvent> events, double delta) {
    PrivacyLoss.requireDelta(delta);
    Map<PrivacyEvent, Long> composition = Composition.of(this, events);
    double epsilon =
        Arrays.stream(orders)
            .map(order -> RenyiConversion.epsilon(order, divergence(composition, order), delta))
            .min()
            .orElseThrow();
    return new PrivacyLoss(epsilon, delta, PrivacyLoss.Method.RDP);
  }

  @Override
  public double delta(Collection<? extends PrivacyEvent> events, double epsilon) {
    PrivacyLoss.requireEpsilon(epsilon);
    Map<PrivacyEvent, Long> composition = Composition.of(this, events);
    return Arrays.stream(orders)
        .map(order -> RenyiConversion.delta(order, divergence(composition, order), epsilon))
        .min()
        .orElseThrow();
  }

  private static double divergence(Map<PrivacyEvent, Long> composition, double order) {
    double sum = 0;
    for (var entry : composition.entrySet()) {
      sum += entry.getValue() * divergence(entry.getKey(), order);
    }
    return sum;
  }

  private static double divergence(PrivacyEvent mechanism, double order) {
    return switch (mechanism) {
      case PrivacyEvent.PoissonGaussian(double sigma, double q, _) ->
          SampledGaussian.divergence(sigma, q, order);
      case PrivacyEvent.Gaussian(double sigma, _) -> SampledGaussian.divergence(sigma, 1, order);
      case PrivacyEvent.DiscreteGaussianInteger event -> order * ConcentratedDivergence.rho(event);
      case PrivacyEvent.DiscreteGaussianSum event -> ConcentratedDivergence.ofSum(event, order);
    };
  }

  private static void requireOrder(double order) {
    if (!(order > 1 && order <= MOST_ORDER)) {
      throw new IllegalArgumentException(
          "order %s: must be above 1 and at most %s".formatted(order, MOST_ORDER));
    }
  }
}
