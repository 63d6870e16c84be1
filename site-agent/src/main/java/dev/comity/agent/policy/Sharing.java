package dev.comity.agent.policy;

/// What a site gives beside its update, always inside the masked vector.
///
/// @param partial the work that it did when it had to stop early
/// @param metrics loss, correct predictions and histograms of scores on its examples
/// @param energy what a round took
public record Sharing(boolean partial, boolean metrics, boolean energy) {
  /// What a site that says nothing shares.
  public static Sharing nothing() {
    return new Sharing(false, false, false);
  }
}
