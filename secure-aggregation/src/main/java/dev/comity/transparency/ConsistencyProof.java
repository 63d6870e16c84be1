package dev.comity.transparency;

import dev.comity.plan.Digest;
import java.util.ArrayList;
import java.util.List;

/// That a log of `to` leaves begins with the `from` leaves that it had before: nothing was changed,
/// removed or put between; RFC 9162 §2.1.4. `from` = 0 has an empty path and proves nothing.
public record ConsistencyProof(long from, long to, List<Digest> path) {
  public ConsistencyProof {
    path = List.copyOf(path);
    if (from < 0 || from > to) {
      throw new IllegalArgumentException(
          "consistency proof from size %d to %d: must be 0 <= from <= to".formatted(from, to));
    }
  }

  /// Whether the log under `later` continues the one under `earlier`; RFC 9162 §2.1.4.2.
  public boolean proves(Digest earlier, Digest later) {
    if (from == to) {
      return path.isEmpty() && earlier.equals(later);
    }
    if (from == 0) {
      return path.isEmpty() && earlier.equals(TreeHash.EMPTY);
    }
    List<Digest> hashes = new ArrayList<>();
    if (Long.bitCount(from) == 1) {
      hashes.add(earlier);
    }
    hashes.addAll(path);
    if (hashes.isEmpty()) {
      return false;
    }
    long at = from - 1;
    long last = to - 1;
    while (at % 2 == 1) {
      at >>= 1;
      last >>= 1;
    }
    Digest first = hashes.getFirst();
    Digest second = hashes.getFirst();
    for (Digest hash : hashes.subList(1, hashes.size())) {
      if (last == 0) {
        return false;
      }
      if (at % 2 == 1 || at == last) {
        first = TreeHash.node(hash, first);
        second = TreeHash.node(hash, second);
        while (at % 2 == 0 && at != 0) {
          at >>= 1;
          last >>= 1;
        }
      } else {
        second = TreeHash.node(second, hash);
      }
      at >>= 1;
      last >>= 1;
    }
    return last == 0 && first.equals(earlier) && second.equals(later);
  }
}
