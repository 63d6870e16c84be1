package dev.comity.agent.training;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comity.plan.SiteId;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class BatchSequenceTest {
  private static final SiteId SITE = new SiteId("cleveland");

  @Test
  void everyEpochShowsEveryExampleOnceAndKeepsTheShortLastBatch() {
    var batches = new BatchSequence(1, SITE, 11, 4);

    assertThat(batches.batchesPerEpoch()).isEqualTo(3);
    for (int epoch = 0; epoch < 5; epoch++) {
      int first = 3 * epoch;
      assertThat(batches.batch(first + 2)).hasSize(3);
      assertThat(IntStream.range(first, first + 3).flatMap(p -> IntStream.of(batches.batch(p))))
          .containsExactlyInAnyOrder(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
    }
  }

  @Test
  void aPositionMeansTheSameBatchInWhateverOrderItIsAsked() {
    var forward = new BatchSequence(1, SITE, 11, 4);
    var backward = new BatchSequence(1, SITE, 11, 4);

    int[][] expected = IntStream.range(0, 30).mapToObj(forward::batch).toArray(int[][]::new);

    for (int position = 29; position >= 0; position--) {
      assertThat(backward.batch(position)).isEqualTo(expected[position]);
    }
  }

  @Test
  void seedSiteAndEpochEachChangeTheOrder() {
    int[] order = new BatchSequence(1, SITE, 100, 100).batch(0);

    assertThat(new BatchSequence(2, SITE, 100, 100).batch(0)).isNotEqualTo(order);
    assertThat(new BatchSequence(1, new SiteId("va"), 100, 100).batch(0)).isNotEqualTo(order);
    assertThat(new BatchSequence(1, SITE, 100, 100).batch(1)).isNotEqualTo(order);
  }

  @Test
  void theOrderIsFrozen() {
    assertThat(new BatchSequence(42, SITE, 10, 10).batch(3))
        .containsExactly(8, 3, 1, 2, 6, 7, 9, 4, 5, 0);
  }
}
