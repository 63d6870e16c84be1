package dev.comity.accounting;

import java.util.Collection;

/// Turns events into a guarantee. Every number is an upper bound of the true loss of the
/// composition of all events, adaptively chosen or not. The order of the events is of no
/// importance; no event at all costs ε = 0.
///
/// Without state and safe for use by many threads.
public sealed interface PrivacyAccountant
    permits RdpAccountant, ZcdpAccountant, PldAccountant, DecidingAccountant {
  /// The accountant whose word is final: see [DecidingAccountant] for who decides what.
  static PrivacyAccountant deciding() {
    return new DecidingAccountant();
  }

  /// Whether this accountant knows the event's mechanism.
  boolean covers(PrivacyEvent event);

  /// The smallest ε that it can show at `delta`.
  ///
  /// @param delta in (0, 1)
  /// @throws IllegalArgumentException when it does not cover an event, or δ is out of range
  PrivacyLoss epsilon(Collection<? extends PrivacyEvent> events, double delta);

  /// The smallest δ in [0, 1] that it can show at `epsilon`.
  ///
  /// @param epsilon ≥ 0 and finite
  /// @throws IllegalArgumentException when it does not cover an event, or ε is out of range
  double delta(Collection<? extends PrivacyEvent> events, double epsilon);
}
