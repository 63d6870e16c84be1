package dev.comity.simulation;

import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import java.util.Collections;
import java.util.SortedSet;
import java.util.TreeSet;

/// What a view tells, for those who watch the simulation: no site reads it.
///
/// @param keys U1
/// @param shares U2
/// @param survivors U3, empty before there is one
/// @param headers names the exact headers of U3
record Claim(
    Digest session,
    SortedSet<SiteId> keys,
    SortedSet<SiteId> shares,
    SortedSet<SiteId> survivors,
    Digest headers) {
  Claim {
    keys = Collections.unmodifiableSortedSet(new TreeSet<>(keys));
    shares = Collections.unmodifiableSortedSet(new TreeSet<>(shares));
    survivors = Collections.unmodifiableSortedSet(new TreeSet<>(survivors));
  }
}
