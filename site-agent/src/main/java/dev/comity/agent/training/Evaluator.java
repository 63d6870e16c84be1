package dev.comity.agent.training;

import dev.comity.plan.Architecture;
import dev.comity.plan.VectorLayout;
import dev.comity.update.Metrics;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/// Evaluates weights on examples. Loss and score follow from the float32 logits by `StrictMath`, in
/// the order of the examples, so that the sums are the same bits each time.
final class Evaluator {
  private static final int BATCH = 256;
  private static final int BINS = VectorLayout.HISTOGRAM_BINS;

  private final Architecture architecture;
  private final double lossCap;

  /// @param lossCap the most that one example adds to the sum of losses
  Evaluator(Architecture architecture, double lossCap) {
    this.architecture = architecture;
    this.lossCap = lossCap;
  }

  /// @throws TrainingRefusedException if a logit is not finite
  Metrics evaluate(float[] weights, Examples examples) {
    int outputs = architecture.outputs();
    double lossSum = 0;
    long correct = 0;
    var negatives = new long[architecture.binary() ? BINS : 0];
    var positives = new long[negatives.length];
    try (var model = new TorchModel(architecture, BATCH)) {
      model.values().put(0, weights);
      for (int from = 0; from < examples.count(); from += BATCH) {
        int[] rows = IntStream.range(from, Math.min(from + BATCH, examples.count())).toArray();
        float[] logits = model.logits(examples, rows);
        for (int i = 0; i < rows.length; i++) {
          int label = examples.label(rows[i]);
          float[] scores = Arrays.copyOfRange(logits, i * outputs, (i + 1) * outputs);
          requireFinite(scores);
          if (architecture.binary()) {
            lossSum += Math.min(binaryLoss(scores[0], label), lossCap);
            correct += scores[0] > 0 == (label == 1) ? 1 : 0;
            (label == 1 ? positives : negatives)[bin(scores[0])]++;
          } else {
            lossSum += Math.min(classLoss(scores, label), lossCap);
            correct += largest(scores) == label ? 1 : 0;
          }
        }
      }
    }
    return new Metrics(lossSum, correct, examples.count(), boxed(negatives), boxed(positives));
  }

  private static double binaryLoss(double logit, int label) {
    return Math.max(logit, 0) - logit * label + StrictMath.log1p(StrictMath.exp(-Math.abs(logit)));
  }

  private static int bin(double logit) {
    double score = 1 / (1 + StrictMath.exp(-logit));
    return Math.min((int) (score * BINS), BINS - 1);
  }

  private static double classLoss(float[] logits, int label) {
    double most = logits[largest(logits)];
    double sum = 0;
    for (float logit : logits) {
      sum += StrictMath.exp(logit - most);
    }
    return StrictMath.log(sum) + most - logits[label];
  }

  private static int largest(float[] logits) {
    int largest = 0;
    for (int i = 1; i < logits.length; i++) {
      if (logits[i] > logits[largest]) {
        largest = i;
      }
    }
    return largest;
  }

  private static void requireFinite(float[] logits) {
    for (float logit : logits) {
      if (!Float.isFinite(logit)) {
        throw TrainingRefusedException.diverged();
      }
    }
  }

  private static List<Long> boxed(long[] counts) {
    var list = new ArrayList<Long>(counts.length);
    for (long count : counts) {
      list.add(count);
    }
    return list;
  }
}
