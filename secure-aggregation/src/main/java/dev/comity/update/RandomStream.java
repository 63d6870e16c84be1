package dev.comity.update;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;

/// Random numbers of a key: 2⁶⁴ independent sequences, each the AES-256-CTR keystream whose initial
/// counter is its index in the upper 64 bits and zero in the lower. The same key, index and place
/// give the same number. Owned by one thread.
public final class RandomStream {
  private final byte[] key;
  private final Keystream stream = new Keystream();
  private MemorySegment bytes = MemorySegment.NULL;
  private long at;

  RandomStream(byte[] key) {
    this.key = key;
    goTo(0);
  }

  /// Goes to the first number of sequence `index`.
  public void goTo(long index) {
    stream.start(key, ByteBuffer.allocate(2 * Long.BYTES).putLong(index).array());
    bytes = MemorySegment.NULL;
    at = 0;
  }

  /// The next 64 bits.
  public long nextLong() {
    if (at == bytes.byteSize()) {
      bytes = stream.next(Keystream.STEP);
      at = 0;
    }
    long bits = bytes.get(Ring.LONG, at);
    at += Long.BYTES;
    return bits;
  }

  /// The next number in [0, 1): a multiple of 2⁻⁵³ from the upper 53 of 64 bits.
  public double nextUniform() {
    return (nextLong() >>> 11) * 0x1p-53;
  }

  @Override
  public String toString() {
    return "RandomStream[redacted]";
  }
}
