package dev.comity.agent.training;

/// Adds up the gradients of single examples, each clipped (Abadi et al. 2016, algorithm 1). Uses
/// the present values of the model it was made for; confined to the model's thread.
///
/// ## Security guarantees
///
/// One example more or fewer changes the sum by a vector of L2 norm at most the clip norm, whatever
/// the example: one whose loss or gradient is not finite, or whose label the model has no class
/// for, adds nothing. Nothing is refused and nothing told, since that would depend on a single
/// example. Norms are clipped to `clip · (1 − 10⁻⁶)`, which leaves room for the rounding of sums in
/// float64: n² · 2⁻⁵³ for n examples at the worst.
sealed interface PerExampleGradients permits GhostClipping, ExampleLoop {
  /// See above.
  double ROUNDING_ROOM = 1e-6;

  /// Adds Σ gᵢ · min(1, clip/‖gᵢ‖) over the examples in `rows` to `sum`, flat in the order of the
  /// parameters; gᵢ is the gradient of example i's own loss. Any number of rows, also none.
  void addClipped(Examples examples, int[] rows, double[] sum);

  /// The factor for a gradient of this squared norm; 0 where it is not finite.
  static double factor(double squaredNorm, double clip) {
    if (!Double.isFinite(squaredNorm)) {
      return 0;
    }
    double bound = clip * (1 - ROUNDING_ROOM);
    double norm = Math.sqrt(squaredNorm);
    return norm > bound ? bound / norm : 1;
  }
}
