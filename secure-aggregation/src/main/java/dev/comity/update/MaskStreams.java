package dev.comity.update;

import dev.comity.vector.Vectors;
import java.lang.foreign.MemorySegment;

/// Puts masks on parts of a ring vector. Owned by one thread.
final class MaskStreams {
  /// Bytes worked on at a time: they stay in a core's cache while mask after mask goes over them.
  static final int TILE = 256 * 1024;

  private final Keystream stream = new Keystream();

  /// Applies every mask to `tile`, which lies at byte `offset` of its vector.
  void apply(Iterable<Mask> masks, MemorySegment tile, long offset) {
    for (var mask : masks) {
      mask.key().start(stream, offset);
      for (long at = 0; at < tile.byteSize(); at += Keystream.STEP) {
        int step = (int) Math.min(Keystream.STEP, tile.byteSize() - at);
        var target = tile.asSlice(at, step);
        if (mask.add()) {
          Vectors.addModular(target, stream.next(step));
        } else {
          Vectors.subtractModular(target, stream.next(step));
        }
      }
    }
  }
}
