package dev.comity.plan;

/// How much a site trains in one round.
public sealed interface LocalWork {
  /// `n` ≥ 1 passes over the site's training examples.
  record Epochs(int n) implements LocalWork {
    public Epochs {
      if (n < 1) {
        throw new IllegalArgumentException("training.epochs must be >= 1, was " + n);
      }
    }
  }

  /// `n` ≥ 1 batches; the order of examples carries over from round to round.
  record Batches(int n) implements LocalWork {
    public Batches {
      if (n < 1) {
        throw new IllegalArgumentException("training.batches must be >= 1, was " + n);
      }
    }
  }
}
