package dev.comity.transparency;

import dev.comity.plan.Digest;
import java.util.List;

/// The siblings from leaf `index` up to the root of the log of `size` leaves; RFC 9162 §2.1.3.
public record InclusionProof(long index, long size, List<Digest> path) {
  public InclusionProof {
    path = List.copyOf(path);
    if (index < 0 || index >= size) {
      throw new IllegalArgumentException(
          "inclusion proof of index %d in size %d: must be 0 <= index < size"
              .formatted(index, size));
    }
  }

  /// Whether `leaf`, a leaf hash, is leaf `index` under `root`; RFC 9162 §2.1.3.2.
  public boolean proves(Digest leaf, Digest root) {
    long at = index;
    long last = size - 1;
    Digest hash = leaf;
    for (Digest sibling : path) {
      if (last == 0) {
        return false;
      }
      if (at % 2 == 1 || at == last) {
        hash = TreeHash.node(sibling, hash);
        while (at % 2 == 0 && at != 0) {
          at >>= 1;
          last >>= 1;
        }
      } else {
        hash = TreeHash.node(hash, sibling);
      }
      at >>= 1;
      last >>= 1;
    }
    return last == 0 && hash.equals(root);
  }
}
