package dev.comity.session;

import dev.comity.codec.CborItem;
import java.util.List;

/// On a ring, the RELEASEs of T sites, and how every site of U2 is shown them: encoded once.
record Releases(List<Certificate.Vote> votes, CborItem shown) {
  Releases {
    votes = List.copyOf(votes);
  }

  static Releases of(List<Certificate.Vote> votes) {
    return new Releases(votes, CborItem.maps(votes, Votes::toCbor));
  }
}
