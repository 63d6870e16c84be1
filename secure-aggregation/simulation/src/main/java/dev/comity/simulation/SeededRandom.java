package dev.comity.simulation;

import dev.comity.plan.Digest;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.security.SecureRandomSpi;
import java.util.List;
import java.util.SplittableRandom;

/// Random numbers that follow from a seed and a purpose, in the shape that the protocol asks for.
/// Never secret: a simulation has nothing to hide and everything to repeat.
final class SeededRandom extends SecureRandom {
  private static final long serialVersionUID = 1L;

  SeededRandom(long seed, String purpose) {
    super(new Stream(seed, purpose), null);
  }

  private static final class Stream extends SecureRandomSpi {
    private static final long serialVersionUID = 1L;

    private final transient SplittableRandom numbers;

    Stream(long seed, String purpose) {
      byte[] name = purpose.getBytes(StandardCharsets.UTF_8);
      byte[] mixed =
          Digest.of(ByteBuffer.allocate(Long.BYTES + name.length).putLong(seed).put(name).array())
              .bytes();
      numbers = new SplittableRandom(ByteBuffer.wrap(mixed).getLong());
    }

    @Override
    protected void engineSetSeed(byte[] seed) {}

    @Override
    protected void engineNextBytes(byte[] bytes) {
      numbers.nextBytes(bytes);
    }

    @Override
    protected byte[] engineGenerateSeed(int size) {
      byte[] seed = new byte[size];
      numbers.nextBytes(seed);
      return seed;
    }
  }

  /// True once in `often` times.
  boolean oneIn(int often) {
    return nextInt(often) == 0;
  }

  <T> T pick(List<T> choices) {
    return choices.get(nextInt(choices.size()));
  }
}
