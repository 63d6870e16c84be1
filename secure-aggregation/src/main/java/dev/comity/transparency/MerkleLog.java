package dev.comity.transparency;

import dev.comity.plan.Digest;
import java.util.ArrayList;
import java.util.List;

/// An append-only list of leaves under one root, as RFC 6962 §2.1 and RFC 9162 §2.1 define it: a
/// tree of n leaves splits at the largest power of two below n.
///
/// Keeps the hash of every complete subtree, 64 bytes a leaf: appending costs O(1) hashes on
/// average, a root O(log n), a proof for any earlier size O(log² n). Confined to one thread at a
/// time.
public final class MerkleLog {
  /// `levels[k][i]` is the root over the leaves from `i·2^k` to `(i+1)·2^k`.
  private final List<List<Digest>> levels = new ArrayList<>();

  /// The leaf hash of an entry: SHA-256(0x00 ‖ entry).
  public static Digest leafHash(byte[] entry) {
    return TreeHash.leaf(entry);
  }

  /// Adds a leaf hash at index `size()`.
  public void append(Digest leaf) {
    Digest hash = leaf;
    for (int level = 0; ; level++) {
      if (level == levels.size()) {
        levels.add(new ArrayList<>());
      }
      List<Digest> row = levels.get(level);
      row.add(hash);
      if (row.size() % 2 == 1) {
        return;
      }
      hash = TreeHash.node(row.get(row.size() - 2), hash);
    }
  }

  public long size() {
    return levels.isEmpty() ? 0 : levels.getFirst().size();
  }

  /// The root over all leaves; SHA-256 of nothing when there are none.
  public Digest root() {
    return root(size());
  }

  /// The root when the log had `size` leaves.
  public Digest root(long size) {
    requireSize("size", size);
    return size == 0 ? TreeHash.EMPTY : hash(0, size);
  }

  /// That leaf `index` is in the log of `size` leaves.
  public InclusionProof inclusion(long index, long size) {
    requireSize("size", size);
    if (index < 0 || index >= size) {
      throw new IllegalArgumentException(
          "index %d: must be 0 to %d, a leaf of the log of size %d"
              .formatted(index, size - 1, size));
    }
    List<Digest> path = new ArrayList<>();
    include(index, 0, size, path);
    return new InclusionProof(index, size, path);
  }

  /// That the log of `to` leaves begins with the log of `from` leaves.
  public ConsistencyProof consistency(long from, long to) {
    requireSize("to", to);
    if (from < 0 || from > to) {
      throw new IllegalArgumentException(
          "from %d: must be 0 to %d, the later size".formatted(from, to));
    }
    List<Digest> path = new ArrayList<>();
    if (from > 0) {
      extend(from, 0, to, true, path);
    }
    return new ConsistencyProof(from, to, path);
  }

  /// PATH(m, D[n]) of RFC 6962 §2.1.1 over the leaves from `start` on.
  private void include(long index, long start, long n, List<Digest> path) {
    if (n == 1) {
      return;
    }
    long k = Long.highestOneBit(n - 1);
    if (index < k) {
      include(index, start, k, path);
      path.add(hash(start + k, n - k));
    } else {
      include(index - k, start + k, n - k, path);
      path.add(hash(start, k));
    }
  }

  /// SUBPROOF(m, D[n], b) of RFC 6962 §2.1.2 over the leaves from `start` on; `known` while the
  /// verifier holds the root of the subtree of the first m.
  private void extend(long m, long start, long n, boolean known, List<Digest> path) {
    if (m == n) {
      if (!known) {
        path.add(hash(start, n));
      }
      return;
    }
    long k = Long.highestOneBit(n - 1);
    if (m <= k) {
      extend(m, start, k, known, path);
      path.add(hash(start + k, n - k));
    } else {
      extend(m - k, start + k, n - k, false, path);
      path.add(hash(start, k));
    }
  }

  /// The root over `n` leaves from `start`, which is a multiple of the least power of two ≥ n.
  private Digest hash(long start, long n) {
    long k = Long.highestOneBit(n);
    if (k == n) {
      int level = Long.numberOfTrailingZeros(n);
      return levels.get(level).get(Math.toIntExact(start >> level));
    }
    return TreeHash.node(hash(start, k), hash(start + k, n - k));
  }

  private void requireSize(String name, long size) {
    if (size < 0 || size > size()) {
      throw new IllegalArgumentException(
          "%s %d: must be 0 to %d, the leaves that the log has".formatted(name, size, size()));
    }
  }
}
