package dev.comity.session;

import java.security.SecureRandom;
import java.util.Random;

/// The same bytes in every run, so that two runs of one session can be compared.
final class FixedRandom extends SecureRandom {
  private static final long serialVersionUID = 1L;
  private final Random random;

  FixedRandom(long seed) {
    random = new Random(seed);
  }

  @Override
  public void nextBytes(byte[] bytes) {
    random.nextBytes(bytes);
  }
}
