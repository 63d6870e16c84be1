package dev.comity.accounting;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;

/// How often each mechanism ran in a collection of events.
final class Composition {
  private Composition() {}

  /// The events with `times` 1, mapped to their total number of runs. A Poisson-sampled Gaussian
  /// that samples everything counts as the Gaussian that it is.
  static Map<PrivacyEvent, Long> of(
      PrivacyAccountant accountant, Collection<? extends PrivacyEvent> events) {
    Map<PrivacyEvent, Long> times = new LinkedHashMap<>();
    for (PrivacyEvent event : events) {
      if (!accountant.covers(event)) {
        throw new IllegalArgumentException(
            "%s does not account for %s; use PrivacyAccountant.deciding()"
                .formatted(accountant.getClass().getSimpleName(), event));
      }
      PrivacyEvent mechanism =
          switch (event) {
            case PrivacyEvent.PoissonGaussian(double sigma, double q, _) when q == 1 ->
                new PrivacyEvent.Gaussian(sigma, 1);
            case PrivacyEvent.PoissonGaussian _,
                PrivacyEvent.Gaussian _,
                PrivacyEvent.DiscreteGaussianInteger _,
                PrivacyEvent.DiscreteGaussianSum _ ->
                event.withTimes(1);
          };
      times.merge(mechanism, event.times(), Math::addExact);
    }
    return times;
  }
}
