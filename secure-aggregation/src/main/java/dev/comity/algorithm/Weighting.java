package dev.comity.algorithm;

/// How much one site's update counts in the mean. A weight lies in (0, 1] and multiplies the update
/// before it is clipped in the sum, so a change of weighting changes what the clip bound means for
/// the mean.
public sealed interface Weighting {
  /// The weight of a site with `examples` ≥ 0 training examples.
  double weight(long examples);

  /// `min(N, maxWeight) / maxWeight`; `maxWeight` ≥ 1 examples. McMahan et al. 2017, algorithm 1,
  /// capped.
  record ByExamples(long maxWeight) implements Weighting {
    public ByExamples {
      if (maxWeight < 1) {
        throw new IllegalArgumentException("ByExamples maxWeight must be >= 1, was " + maxWeight);
      }
    }

    @Override
    public double weight(long examples) {
      return (double) Math.min(requireExamples(examples), maxWeight) / maxWeight;
    }
  }

  /// Every site counts alike.
  record Uniform() implements Weighting {
    @Override
    public double weight(long examples) {
      requireExamples(examples);
      return 1;
    }
  }

  private static long requireExamples(long examples) {
    if (examples < 0) {
      throw new IllegalArgumentException("a count of examples must be >= 0");
    }
    return examples;
  }
}
