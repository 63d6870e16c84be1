package dev.comity.session;

import dev.comity.plan.Digest;

/// What a site remembers of a phase that it was shown: who was in it, and the H over it.
record Seen(PlaceSet places, Digest h) {}
