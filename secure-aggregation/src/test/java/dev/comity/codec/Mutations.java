package dev.comity.codec;

import java.util.Arrays;
import java.util.List;
import java.util.Random;

/// Damaged copies of valid documents: flipped bits, other heads, cut, repeated and foreign pieces.
/// The same seed gives the same copies.
public final class Mutations {
  /// Heads at the edges of every form of length and every kind of item.
  private static final int[] HEADS = {
    0x00, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x1f, 0x20, 0x3b, 0x40, 0x58, 0x5b, 0x5f, 0x60, 0x78, 0x7b,
    0x7f, 0x80, 0x98, 0x9b, 0x9f, 0xa0, 0xb8, 0xbb, 0xbf, 0xc0, 0xd8, 0xf4, 0xf5, 0xf6, 0xf7, 0xf9,
    0xfa, 0xfb, 0xff
  };

  private final Random random;
  private final List<byte[]> corpus;

  /// `corpus`: valid documents, none of them empty.
  public Mutations(List<byte[]> corpus, long seed) {
    this.corpus = List.copyOf(corpus);
    this.random = new Random(seed);
  }

  /// How many inputs a fuzz test takes: few in every build, as many as one asks for otherwise.
  public static int inputs(int usual) {
    return Integer.getInteger("comity.fuzz.inputs", usual);
  }

  /// One to four changes to one of the documents.
  public byte[] next() {
    byte[] bytes = any().clone();
    for (int changes = 1 + random.nextInt(4); changes > 0; changes--) {
      bytes = changed(bytes);
    }
    return bytes;
  }

  private byte[] any() {
    return corpus.get(random.nextInt(corpus.size()));
  }

  private byte[] changed(byte[] bytes) {
    if (bytes.length == 0) {
      return new byte[] {(byte) random.nextInt()};
    }
    int at = random.nextInt(bytes.length);
    return switch (random.nextInt(8)) {
      case 0 -> with(bytes, at, bytes[at] ^ (1 << random.nextInt(8)));
      case 1 -> with(bytes, at, random.nextInt());
      case 2 -> with(bytes, at, HEADS[random.nextInt(HEADS.length)]);
      case 3 -> with(bytes, at, bytes[at] + (random.nextBoolean() ? 1 : -1));
      case 4 -> Arrays.copyOf(bytes, at);
      case 5 -> replaced(bytes, at, Math.min(bytes.length, at + piece()), new byte[0]);
      case 6 ->
          replaced(
              bytes, at, at, Arrays.copyOfRange(bytes, at, Math.min(bytes.length, at + piece())));
      default -> {
        byte[] other = any();
        int from = random.nextInt(other.length);
        yield replaced(
            bytes,
            at,
            Math.min(bytes.length, at + piece()),
            Arrays.copyOfRange(other, from, Math.min(other.length, from + piece())));
      }
    };
  }

  private int piece() {
    return 1 + random.nextInt(40);
  }

  private static byte[] with(byte[] bytes, int at, int value) {
    byte[] changed = bytes.clone();
    changed[at] = (byte) value;
    return changed;
  }

  private static byte[] replaced(byte[] bytes, int from, int to, byte[] by) {
    byte[] changed = Arrays.copyOf(bytes, from + by.length + bytes.length - to);
    System.arraycopy(by, 0, changed, from, by.length);
    System.arraycopy(bytes, to, changed, from + by.length, bytes.length - to);
    return changed;
  }
}
