package dev.comity.plan;

/// What a model's outputs are held against.
public enum Loss {
  /// One logit, labels 0 and 1.
  BINARY_CROSS_ENTROPY,
  /// One logit a class, labels 0 to classes − 1.
  SOFTMAX_CROSS_ENTROPY
}
