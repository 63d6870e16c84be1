package dev.comity.agent.data;

/// `x ↦ (x − mean) / (std + 10⁻⁹)` per feature, with the statistics of the rows it was made from;
/// std has the divisor n − 1. Sums run over the rows in order in float64; only the result is
/// rounded to float32. Statistics are the site's own and stay on it.
public final class Standardisation {
  private static final double EPSILON = 1e-9;

  private final double[] mean;
  private final double[] deviation;

  private Standardisation(double[] mean, double[] deviation) {
    this.mean = mean;
    this.deviation = deviation;
  }

  /// Refuses fewer than two rows, which have no deviation.
  public static Standardisation of(Rows train) {
    int count = train.count();
    if (count < 2) {
      throw new DataRefusedException(
          "standardise: needs at least two complete rows for training; set standardise: false or"
              + " give the site more rows");
    }
    int width = train.width();
    var mean = new double[width];
    var deviation = new double[width];
    for (int column = 0; column < width; column++) {
      double sum = 0;
      for (int row = 0; row < count; row++) {
        sum += train.feature(row, column);
      }
      mean[column] = sum / count;
      double squares = 0;
      for (int row = 0; row < count; row++) {
        double centred = train.feature(row, column) - mean[column];
        squares += centred * centred;
      }
      deviation[column] = Math.sqrt(squares / (count - 1));
    }
    return new Standardisation(mean, deviation);
  }

  /// `rows` with every feature scaled; labels stay.
  public Rows apply(Rows rows) {
    if (rows.width() != mean.length) {
      throw new IllegalArgumentException(
          "standardisation of %d features met rows of width %d"
              .formatted(mean.length, rows.width()));
    }
    float[] scaled = rows.features();
    for (int i = 0; i < scaled.length; i++) {
      int column = i % mean.length;
      scaled[i] = (float) ((scaled[i] - mean[column]) / (deviation[column] + EPSILON));
    }
    return new Rows(mean.length, scaled, rows.labels());
  }
}
