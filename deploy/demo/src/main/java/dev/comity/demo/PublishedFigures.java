package dev.comity.demo;

import java.util.Optional;

/// Accuracies on Fed-Heart-Disease: mean of sites and pooled test, mean ± standard deviation over
/// five seeds; du Terrail et al. 2022, FLamby's published results.
record PublishedFigures(Spread meanOfSites, Spread pooled) {
  /// How far from a published mean ours may be.
  static final double TOLERANCE = 0.03;

  /// Those of one algorithm, if it is among the published ones.
  static Optional<PublishedFigures> of(String algorithm) {
    return switch (algorithm) {
      case "fedavg", "fedprox" -> Optional.of(figures(0.685, 0.028, 0.748, 0.027));
      case "fedadam" -> Optional.of(figures(0.726, 0.014, 0.779, 0.015));
      case "fedyogi", "fedadagrad" -> Optional.of(figures(0.731, 0.013, 0.779, 0.015));
      default -> Optional.empty();
    };
  }

  /// The larger distance of the two means.
  double distance(Spread ourMeanOfSites, Spread ourPooled) {
    return Math.max(
        Math.abs(ourMeanOfSites.mean() - meanOfSites.mean()),
        Math.abs(ourPooled.mean() - pooled.mean()));
  }

  private static PublishedFigures figures(
      double sites, double sitesDeviation, double pooled, double pooledDeviation) {
    return new PublishedFigures(
        new Spread(sites, sitesDeviation), new Spread(pooled, pooledDeviation));
  }
}
