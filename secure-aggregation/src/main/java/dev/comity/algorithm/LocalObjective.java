package dev.comity.algorithm;

/// What a site minimises on its own data.
public sealed interface LocalObjective {
  /// The mean loss alone.
  record Plain() implements LocalObjective {}

  /// The mean loss plus `mu/2 · ‖w − w₀‖²`, `w₀` the base model; Li et al. 2020, eq. 2. `mu` ≥ 0.
  record Proximal(double mu) implements LocalObjective {
    public Proximal {
      Ranges.requireAtLeast("Proximal mu", mu, 0);
    }
  }
}
