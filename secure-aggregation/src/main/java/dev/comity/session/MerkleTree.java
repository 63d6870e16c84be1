package dev.comity.session;

import dev.comity.plan.Digest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/// A binary hash tree over digests; a node without a sibling rises as it is. Leaves are hashed by
/// their owner under a label of their own, so that no leaf can stand for a node.
final class MerkleTree {
  private static final byte[] NODE = {1};

  /// Level by level from the leaves, 32 bytes a node.
  private final byte[] nodes;

  private final int leaves;

  /// At least one leaf.
  MerkleTree(List<Digest> leaves) {
    if (leaves.isEmpty()) {
      throw new IllegalArgumentException("a Merkle tree of no leaves");
    }
    this.leaves = leaves.size();
    int count = 1;
    for (int width = leaves.size(); width > 1; width = above(width)) {
      count += width;
    }
    nodes = new byte[count * Digest.SIZE];
    for (int i = 0; i < leaves.size(); i++) {
      put(i, leaves.get(i));
    }
    int start = 0;
    for (int width = leaves.size(); width > 1; width = above(width)) {
      for (int i = 0; i < width; i += 2) {
        put(
            start + width + i / 2,
            i + 1 < width ? node(get(start + i), get(start + i + 1)) : get(start + i));
      }
      start += width;
    }
  }

  private static int above(int width) {
    return (width + 1) / 2;
  }

  private Digest get(int node) {
    return Digest.ofValue(Arrays.copyOfRange(nodes, node * Digest.SIZE, (node + 1) * Digest.SIZE));
  }

  private void put(int node, Digest digest) {
    System.arraycopy(digest.bytes(), 0, nodes, node * Digest.SIZE, Digest.SIZE);
  }

  Digest root() {
    return get(nodes.length / Digest.SIZE - 1);
  }

  /// The siblings from leaf `index` up.
  List<Digest> path(int index) {
    return proof(new TreeSet<>(List.of(index)));
  }

  /// The nodes that lead from the leaves `places` to the root: level by level, each sibling that
  /// does not follow from the leaves themselves.
  List<Digest> proof(SortedSet<Integer> places) {
    List<Digest> proof = new ArrayList<>();
    int[] known = places.stream().mapToInt(Integer::intValue).toArray();
    int start = 0;
    for (int width = leaves; width > 1; width = above(width)) {
      int parents = 0;
      for (int i = 0; i < known.length; i++) {
        int sibling = known[i] ^ 1;
        if (i + 1 < known.length && known[i + 1] == sibling) {
          i++;
        } else if (sibling < width) {
          proof.add(get(start + sibling));
        }
        known[parents++] = sibling / 2;
      }
      known = Arrays.copyOf(known, parents);
      start += width;
    }
    return List.copyOf(proof);
  }

  /// The root of the tree of `count` leaves that has `leaves` at their places and beside them what
  /// `proof` says. IllegalArgumentException when the proof is too short or too long.
  static Digest root(SortedMap<Integer, Digest> leaves, int count, List<Digest> proof) {
    if (leaves.isEmpty() || leaves.lastKey() >= count || leaves.firstKey() < 0) {
      throw new IllegalArgumentException(
          "leaves of a Merkle tree of %d: must be at least one, each within it".formatted(count));
    }
    Iterator<Digest> beside = proof.iterator();
    SortedMap<Integer, Digest> level = leaves;
    for (int width = count; width > 1; width = above(width)) {
      SortedMap<Integer, Digest> next = new TreeMap<>();
      for (SortedMap.Entry<Integer, Digest> entry : level.entrySet()) {
        int place = entry.getKey();
        int sibling = place ^ 1;
        if (next.containsKey(place / 2)) {
          continue;
        }
        Digest known = level.get(sibling);
        if (sibling >= width) {
          next.put(place / 2, entry.getValue());
        } else if (known != null) {
          next.put(place / 2, node(entry.getValue(), known));
        } else if (beside.hasNext()) {
          Digest other = beside.next();
          next.put(
              place / 2,
              sibling < place ? node(other, entry.getValue()) : node(entry.getValue(), other));
        } else {
          throw new IllegalArgumentException("a Merkle proof that is too short");
        }
      }
      level = next;
    }
    if (beside.hasNext()) {
      throw new IllegalArgumentException("a Merkle proof that is too long");
    }
    return level.firstEntry().getValue();
  }

  /// Whether `leaf` is leaf `index` of the `count` leaves under `root`.
  static boolean leads(Digest leaf, int index, int count, List<Digest> path, Digest root) {
    try {
      return root(new TreeMap<>(Map.of(index, leaf)), count, path).equals(root);
    } catch (IllegalArgumentException _) {
      return false; // a path of another tree
    }
  }

  private static Digest node(Digest left, Digest right) {
    return Digest.ofAll(NODE, left.bytes(), right.bytes());
  }
}
