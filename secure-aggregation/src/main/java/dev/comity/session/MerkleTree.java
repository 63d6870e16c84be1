package dev.comity.session;

import dev.comity.plan.Digest;
import java.util.ArrayList;
import java.util.List;

/// A binary hash tree over digests; a node without a sibling rises as it is. Leaves are hashed by
/// their owner under a label of their own, so that no leaf can stand for a node.
final class MerkleTree {
  private static final byte[] NODE = {1};

  private final List<List<Digest>> levels = new ArrayList<>();

  /// At least one leaf.
  MerkleTree(List<Digest> leaves) {
    if (leaves.isEmpty()) {
      throw new IllegalArgumentException("a Merkle tree of no leaves");
    }
    levels.add(List.copyOf(leaves));
    while (levels.getLast().size() > 1) {
      List<Digest> below = levels.getLast();
      List<Digest> level = new ArrayList<>();
      for (int i = 0; i < below.size(); i += 2) {
        level.add(i + 1 < below.size() ? node(below.get(i), below.get(i + 1)) : below.get(i));
      }
      levels.add(List.copyOf(level));
    }
  }

  Digest root() {
    return levels.getLast().getFirst();
  }

  /// The siblings from leaf `index` up.
  List<Digest> path(int index) {
    List<Digest> path = new ArrayList<>();
    int at = index;
    for (List<Digest> level : levels.subList(0, levels.size() - 1)) {
      int sibling = at ^ 1;
      if (sibling < level.size()) {
        path.add(level.get(sibling));
      }
      at /= 2;
    }
    return List.copyOf(path);
  }

  /// Whether `leaf` is leaf `index` of the `count` leaves under `root`.
  static boolean leads(Digest leaf, int index, int count, List<Digest> path, Digest root) {
    Digest at = leaf;
    int position = index;
    int used = 0;
    for (int width = count; width > 1; width = (width + 1) / 2) {
      int sibling = position ^ 1;
      if (sibling < width) {
        if (used == path.size()) {
          return false;
        }
        Digest beside = path.get(used++);
        at = sibling < position ? node(beside, at) : node(at, beside);
      }
      position /= 2;
    }
    return used == path.size() && at.equals(root);
  }

  private static Digest node(Digest left, Digest right) {
    return Digest.ofAll(NODE, left.bytes(), right.bytes());
  }
}
