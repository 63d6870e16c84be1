package dev.comity.plan;

/// What a run asks of its sites.
public enum RunKind {
  TRAIN,
  EVALUATE,
  STATISTICS,
  PERSONALIZE
}
