package dev.comity.agent.training;

import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/// The endless sequence of batches of one run on one site: epoch after epoch, each a fresh order of
/// all examples cut into batches, the short last one kept. A pure function of seed, site, number of
/// examples and batch size, so that position p means the same batch whenever it is asked for.
///
/// The order of epoch e is a Fisher-Yates shuffle driven by SplitMix64 (Steele et al. 2014) from
/// the state mix(mix(seed + h) + e), h the first eight bytes of the SHA-256 of the site's name.
/// Confined to one thread.
final class BatchSequence {
  private static final long GOLDEN = 0x9E3779B97F4A7C15L;

  private final long origin;
  private final int batchSize;
  private final int batchesPerEpoch;
  private final int[] order;
  private long orderedEpoch = -1;

  BatchSequence(long seed, SiteId site, int examples, int batchSize) {
    byte[] name = Digest.of(site.value().getBytes(StandardCharsets.UTF_8)).bytes();
    this.origin = mix(seed + ByteBuffer.wrap(name).getLong());
    this.batchSize = batchSize;
    this.batchesPerEpoch = Math.ceilDiv(examples, batchSize);
    this.order = new int[examples];
  }

  int batchesPerEpoch() {
    return batchesPerEpoch;
  }

  /// The rows of the batch at `position` >= 0; a fresh array.
  int[] batch(long position) {
    long epoch = position / batchesPerEpoch;
    if (epoch != orderedEpoch) {
      shuffle(epoch);
      orderedEpoch = epoch;
    }
    int from = (int) (position % batchesPerEpoch) * batchSize;
    return Arrays.copyOfRange(order, from, Math.min(from + batchSize, order.length));
  }

  private void shuffle(long epoch) {
    for (int i = 0; i < order.length; i++) {
      order[i] = i;
    }
    long state = mix(origin + epoch);
    for (int i = order.length - 1; i > 0; i--) {
      state += GOLDEN;
      // The remainder of 64 bits is biased by less than 2⁻³³.
      int j = (int) Long.remainderUnsigned(mix(state), i + 1L);
      int swapped = order[i];
      order[i] = order[j];
      order[j] = swapped;
    }
  }

  private static long mix(long value) {
    long z = (value ^ (value >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }
}
