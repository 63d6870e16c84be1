package dev.comity.agent.resources.source;

import dev.comity.agent.resources.Reading;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/// From a moment, inclusive, to another, exclusive. Empty when they are the same.
record Span(Instant from, Instant to) {
  Span {
    if (to.isBefore(from)) {
      throw new IllegalArgumentException("%s to %s: ends before it begins".formatted(from, to));
    }
  }

  /// 1 inside one of `spans`, 0 outside, and every change to come.
  static Reading reading(List<Span> spans, Instant now, long observedAt) {
    boolean inside = false;
    var changes = new ArrayList<Reading.Expected>();
    for (Span span : merged(spans)) {
      if (!now.isBefore(span.to())) {
        continue;
      }
      if (now.isBefore(span.from())) {
        changes.add(new Reading.Expected(span.from(), 1));
      } else {
        inside = true;
      }
      changes.add(new Reading.Expected(span.to(), 0));
    }
    return new Reading(inside ? 1 : 0, observedAt, changes);
  }

  /// The same moments in spans that neither touch nor overlap, in order.
  private static List<Span> merged(List<Span> spans) {
    var merged = new ArrayList<Span>();
    for (Span span : spans.stream().sorted(Comparator.comparing(Span::from)).toList()) {
      if (span.from().equals(span.to())) {
        continue;
      }
      if (!merged.isEmpty() && !span.from().isAfter(merged.getLast().to())) {
        Span last = merged.removeLast();
        merged.add(new Span(last.from(), span.to().isAfter(last.to()) ? span.to() : last.to()));
      } else {
        merged.add(span);
      }
    }
    return merged;
  }
}
