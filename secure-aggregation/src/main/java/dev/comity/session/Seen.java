package dev.comity.session;

import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;

/// What a site remembers of a phase that it was shown: who was in it, and the H over it.
record Seen(PlaceSet places, Digest h) {
  boolean holds(Roster roster, SiteId site) {
    return roster.holds(site) && places.holds(roster.index(site));
  }
}
