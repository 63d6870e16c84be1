package dev.comity.update;

import dev.comity.plan.Digest;
import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// The Merkle tree over the chunks of a vector; [MaskedUpdate#chunkRoot] states the formula.
final class ChunkTree {
  static final int CHUNK_BYTES = 1 << 20;

  private static final byte[] LEAF = {0};
  private static final byte[] NODE = {1};
  private static final byte[] ROOT = {2};

  private ChunkTree() {}

  static Digest rootOf(MemorySegment vector) {
    List<Digest> leaves = new ArrayList<>();
    for (long at = 0; at < vector.byteSize(); at += CHUNK_BYTES) {
      leaves.add(leaf(vector.asSlice(at, Math.min(CHUNK_BYTES, vector.byteSize() - at))));
    }
    return root(leaves, vector.byteSize());
  }

  static Digest rootOf(Path vector) throws IOException {
    List<Digest> leaves = new ArrayList<>();
    try (var channel = FileChannel.open(vector)) {
      long size = channel.size();
      var chunk = ByteBuffer.allocateDirect((int) Math.min(CHUNK_BYTES, size));
      for (long at = 0; at < size; at += CHUNK_BYTES) {
        chunk.clear().limit((int) Math.min(CHUNK_BYTES, size - at));
        readFully(channel, chunk, at);
        leaves.add(leaf(MemorySegment.ofBuffer(chunk)));
      }
      return root(leaves, size);
    }
  }

  /// Fills `target` from byte `position` of the file and flips it.
  static void readFully(FileChannel channel, ByteBuffer target, long position) throws IOException {
    long at = position;
    while (target.hasRemaining()) {
      int read = channel.read(target, at);
      if (read < 0) {
        throw new EOFException("the file ends at byte " + at + " while it is being read");
      }
      at += read;
    }
    target.flip();
  }

  private static Digest leaf(MemorySegment chunk) {
    var sha256 = new SegmentDigest();
    sha256.update(chunk);
    return Digest.ofAll(LEAF, sha256.finish().bytes());
  }

  private static Digest root(List<Digest> leaves, long bytes) {
    if (leaves.isEmpty()) {
      throw new IllegalArgumentException("a vector of 0 bytes has no chunks");
    }
    return Digest.ofAll(
        ROOT, ByteBuffer.allocate(Long.BYTES).putLong(bytes).array(), top(leaves).bytes());
  }

  /// The left half is the largest power of two below the number of leaves.
  private static Digest top(List<Digest> leaves) {
    if (leaves.size() == 1) {
      return leaves.getFirst();
    }
    int left = Integer.highestOneBit(leaves.size() - 1);
    return Digest.ofAll(
        NODE,
        top(leaves.subList(0, left)).bytes(),
        top(leaves.subList(left, leaves.size())).bytes());
  }
}
