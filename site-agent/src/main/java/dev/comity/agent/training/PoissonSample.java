package dev.comity.agent.training;

import dev.comity.update.RandomStream;
import dev.comity.update.TrainingKey;
import java.util.Arrays;

/// Which examples each step takes: every example with probability `rate`, independently of all
/// others and of every other step. Example `i` is in the sample of step `s` when number `i` of
/// sequence `s` of the key's stream is below the rate, so that it depends on no other example. The
/// key is secret: the amplification that the accountant counts on holds only against those who
/// cannot tell who was sampled. Confined to one thread.
final class PoissonSample {
  private final RandomStream coins;
  private final int examples;
  private final double rate;

  PoissonSample(TrainingKey key, int examples, double rate) {
    this.coins = key.stream();
    this.examples = examples;
    this.rate = rate;
  }

  /// The rows of step `step`, ascending; often more or fewer than expected, or none.
  int[] rows(long step) {
    coins.goTo(step);
    var rows = new int[examples];
    int taken = 0;
    for (int row = 0; row < examples; row++) {
      if (coins.nextUniform() < rate) {
        rows[taken++] = row;
      }
    }
    return Arrays.copyOf(rows, taken);
  }
}
