package dev.comity.round.postgres;

import dev.comity.update.Metrics;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// What is shown of the summed metrics of a round: mean loss, accuracy and, for binary models, the
/// area under the ROC curve from the class-wise histograms of scores. Of sums alone; there is no
/// metric of one site.
final class RoundMetrics {

  private RoundMetrics() {}

  static Map<String, Object> of(Metrics sums, int contributors) {
    var shown = new LinkedHashMap<String, Object>();
    shown.put("contributors", contributors);
    shown.put("examples", sums.examples());
    if (sums.examples() > 0) {
      shown.put("loss", sums.lossSum() / sums.examples());
      shown.put("accuracy", (double) sums.correct() / sums.examples());
    }
    var area = areaUnderCurve(sums.negatives(), sums.positives());
    if (Double.isFinite(area)) {
      shown.put("auroc", area);
    }
    return shown;
  }

  /// P(score of a positive > score of a negative) + ½ P(equal bin); NaN when a class is missing.
  static double areaUnderCurve(List<Long> negatives, List<Long> positives) {
    double won = 0;
    double below = 0;
    double positive = 0;
    for (var bin = 0; bin < negatives.size(); bin++) {
      won += positives.get(bin) * (below + negatives.get(bin) / 2.0);
      below += negatives.get(bin);
      positive += positives.get(bin);
    }
    return won / (below * positive);
  }
}
