package dev.comity.update;

import dev.comity.vector.Vectors;
import java.lang.foreign.MemorySegment;

/// Puts masks on parts of a ring vector. A mask's stream is packed as the vector is: element `i` of
/// `b` bytes takes the bytes `b·i` to `b·i + b` of it. Owned by one thread.
final class MaskStreams {
  /// Steps worked on at a time: they stay in a core's cache while mask after mask goes over them.
  private static final int STEPS = 64;

  /// Bytes of a cipher block; a stream is entered at whole blocks.
  private static final int BLOCK = 16;

  private final int bits;
  private final int step;
  private final Keystream stream = new Keystream();

  /// @param bits width of an element
  MaskStreams(int bits) {
    this.bits = bits;
    this.step = step(bits);
  }

  /// Bytes of a tile: whole elements and whole blocks of the cipher.
  static int tile(int bits) {
    return STEPS * step(bits);
  }

  /// Applies every mask to `tile`, which lies at byte `offset` of its vector, a multiple of
  /// [#tile].
  void apply(Iterable<Mask> masks, MemorySegment tile, long offset) {
    for (var mask : masks) {
      mask.key().start(stream, offset);
      for (long at = 0; at < tile.byteSize(); at += step) {
        int bytes = (int) Math.min(step, tile.byteSize() - at);
        var target = tile.asSlice(at, bytes);
        if (mask.add()) {
          Vectors.addModular(bits, target, stream.next(bytes));
        } else {
          Vectors.subtractModular(bits, target, stream.next(bytes));
        }
      }
    }
  }

  private static int step(int bits) {
    int whole = BLOCK * bits / Byte.SIZE;
    return Keystream.STEP / whole * whole;
  }
}
