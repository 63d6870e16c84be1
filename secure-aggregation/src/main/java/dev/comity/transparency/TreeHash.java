package dev.comity.transparency;

import dev.comity.plan.Digest;

/// The hash function of the tree; RFC 6962 §2.1. A leaf and a node never share a hash, since each
/// is hashed under a first byte of its own.
final class TreeHash {
  private static final byte[] LEAF = {0};
  private static final byte[] NODE = {1};

  /// The root of the empty tree: the hash of nothing.
  static final Digest EMPTY = Digest.of(new byte[0]);

  private TreeHash() {}

  static Digest leaf(byte[] entry) {
    return Digest.ofAll(LEAF, entry);
  }

  static Digest node(Digest left, Digest right) {
    return Digest.ofAll(NODE, left.bytes(), right.bytes());
  }
}
