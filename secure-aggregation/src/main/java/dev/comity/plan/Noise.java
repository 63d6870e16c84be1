package dev.comity.plan;

/// The noise that a site adds to its encoded update. Integer noise only, drawn on the site.
public sealed interface Noise {
  record None() implements Noise {}
}
