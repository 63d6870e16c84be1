package dev.comity.update;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.comity.codec.MalformedException;
import dev.comity.plan.VectorLayout;
import dev.comity.plan.VectorLayout.Kind;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class AggregateUpdateTest {
  private static final int SITES = 4;
  private static final int PARAMETERS = 60;
  private static final VectorLayout LAYOUT = Sites.layout(PARAMETERS);
  private static final int LARGEST = (1 << 22) - 1;

  private final int[] ring = new int[Math.toIntExact(LAYOUT.length())];

  @BeforeEach
  void sumHonestSites() {
    for (int site = 0; site < SITES; site++) {
      int[] vector = Sites.noised(site, PARAMETERS).ring().toArray(Ring.INT);
      for (int i = 0; i < ring.length; i++) {
        ring[i] += vector[i];
      }
    }
  }

  @Test
  void anHonestSumPasses() {
    assertThat(decode(ring, SITES).contributors()).isEqualTo(SITES);
  }

  @Test
  void theMeanIsOneProductInDoubleRoundedOnce() {
    double weights = ring[at(Kind.WEIGHT)] / LAYOUT.block(Kind.WEIGHT).scale();
    double factor = 1 / (LAYOUT.block(Kind.UPDATE).scale() * weights);

    float[] mean = decode(ring, SITES).mean();

    for (int i = 0; i < PARAMETERS; i++) {
      assertThat(Float.floatToRawIntBits(mean[i]))
          .isEqualTo(Float.floatToRawIntBits((float) (ring[i] * factor)));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {-4, -1, 1, 4})
  void anotherLengthIsRefused(int off) {
    var wrong = MemorySegment.ofArray(new byte[4 * ring.length + off]);

    var rejected =
        catchThrowableOfType(RejectedSum.class, () -> AggregateUpdate.decode(LAYOUT, wrong, SITES));

    assertThat(rejected.reason())
        .isEqualTo(new RejectedSum.Reason.WrongLength(4L * ring.length + off, 4L * ring.length));
  }

  @ParameterizedTest
  @ValueSource(ints = {SITES - 1, SITES + 1, 0, -1})
  void anotherCountThanTheCertifiedSurvivorsIsRefused(int counted) {
    ring[at(Kind.COUNT)] = counted;

    assertThat(rejection()).isEqualTo(new RejectedSum.Reason.WrongCount(counted, SITES));
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 3})
  void aZeroCoordinateThatIsNotZeroIsRefused(int coordinate) {
    ring[at(Kind.ZEROS) + coordinate] = -1;

    assertThat(rejection()).isEqualTo(new RejectedSum.Reason.NotZero(coordinate));
  }

  @ParameterizedTest
  @ValueSource(ints = {0, -1, SITES * LARGEST + 1})
  void weightsThatDoNotSumToOneASiteAtMostAreRefused(int weight) {
    ring[at(Kind.WEIGHT)] = weight;

    assertThat(rejection())
        .isEqualTo(new RejectedSum.Reason.WeightOutOfRange(weight / (double) LARGEST, SITES));
  }

  @Test
  void weightsOfExactlyOneASitePass() {
    ring[at(Kind.WEIGHT)] = SITES * LARGEST;

    assertThat(decode(ring, SITES).contributors()).isEqualTo(SITES);
  }

  @ParameterizedTest
  @ValueSource(ints = {SITES * LARGEST + 1, -SITES * LARGEST - 1, Integer.MIN_VALUE})
  void aCoordinateBeyondWhatTheSurvivorsCanAddUpToIsRefused(int value) {
    ring[17] = value;

    assertThat(rejection()).isEqualTo(new RejectedSum.Reason.CoordinateOutOfRange(Kind.UPDATE, 17));
  }

  @Test
  void anUpdateLongerThanTheClippedUpdatesIsRefused() {
    ring[3] = SITES * LARGEST;
    ring[4] = SITES * LARGEST;

    assertThat(rejection()).isInstanceOf(RejectedSum.Reason.NormOutOfRange.class);
  }

  @Test
  void oneCoordinateAtItsLimitPassesWhenTheRestIsNothing() {
    Arrays.fill(ring, 0, PARAMETERS, 0);
    ring[3] = SITES * LARGEST;

    assertThat(decode(ring, SITES).mean()[3]).isPositive();
  }

  @ParameterizedTest
  @EnumSource(names = {"METRICS_LOSS", "METRICS_COUNTS"})
  void aNegativeMetricIsRefused(Kind kind) {
    ring[at(kind)] = -ring[at(kind)];

    assertThat(rejection()).isEqualTo(new RejectedSum.Reason.CoordinateOutOfRange(kind, 0));
  }

  @Test
  void moreExamplesThanThePlanAllowsAreRefused() {
    int scale = (int) LAYOUT.block(Kind.METRICS_COUNTS).scale();
    ring[at(Kind.METRICS_COUNTS) + 1] = (SITES * Sites.MAX_EXAMPLES + 1) * scale;

    assertThat(rejection())
        .isEqualTo(new RejectedSum.Reason.CoordinateOutOfRange(Kind.METRICS_COUNTS, 1));
  }

  @Test
  void aCountThatIsNotWholeIsRefused() {
    ring[at(Kind.METRICS_COUNTS) + 9]++;

    assertThat(rejection()).isEqualTo(new RejectedSum.Reason.ImpossibleCounts(9));
  }

  @Test
  void moreCorrectThanExamplesIsRefused() {
    int scale = (int) LAYOUT.block(Kind.METRICS_COUNTS).scale();
    ring[at(Kind.METRICS_COUNTS)] = ring[at(Kind.METRICS_COUNTS) + 1] + scale;

    assertThat(rejection()).isEqualTo(new RejectedSum.Reason.ImpossibleCounts(0));
  }

  @Test
  void everyReasonExplainsItself() {
    ring[at(Kind.COUNT)] = 3;

    var rejected = catchThrowableOfType(RejectedSum.class, () -> decode(ring, SITES));

    assertThat(rejected).hasMessage("the sum counts 3 contributors: the certificate names 4");
  }

  @Test
  void aSumOfNobodyIsRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> decode(ring, 0))
        .withMessage("survivors 0: must be >= 1");
  }

  @Test
  void theArtifactGivesTheSameMeanToTheBit() {
    var aggregate = decode(ring, SITES);

    var read = AggregateUpdate.decodeArtifact(LAYOUT, aggregate.encode());

    assertThat(read.encode()).isEqualTo(aggregate.encode());
    assertThat(read.contributors()).isEqualTo(SITES);
    assertThat(read.metrics()).isEqualTo(aggregate.metrics());
    float[] mean = read.mean();
    for (int i = 0; i < PARAMETERS; i++) {
      assertThat(Float.floatToRawIntBits(mean[i]))
          .isEqualTo(Float.floatToRawIntBits(aggregate.mean()[i]));
    }
  }

  @Test
  void theArtifactOfAnotherLayoutIsRefused() {
    byte[] artifact = decode(ring, SITES).encode();

    var malformed =
        catchThrowableOfType(
            MalformedException.class,
            () -> AggregateUpdate.decodeArtifact(Sites.layout(PARAMETERS + 1), artifact));

    assertThat(malformed).hasMessageContaining("AggregateUpdate.layout: found");
  }

  @Test
  void aCutArtifactIsRefusedWhereverItEnds() {
    byte[] artifact = decode(ring, SITES).encode();

    for (int length = 0; length < artifact.length; length++) {
      byte[] cut = Arrays.copyOf(artifact, length);
      var refusal =
          catchThrowableOfType(
              RuntimeException.class, () -> AggregateUpdate.decodeArtifact(LAYOUT, cut));
      assertThat(refusal)
          .as("cut to %d of %d bytes", length, artifact.length)
          .isInstanceOfAny(MalformedException.class, RejectedSum.class);
    }
  }

  private RejectedSum.Reason rejection() {
    return catchThrowableOfType(RejectedSum.class, () -> decode(ring, SITES)).reason();
  }

  private static AggregateUpdate decode(int[] ring, int survivors) {
    return AggregateUpdate.decode(LAYOUT, MemorySegment.ofArray(ring), survivors);
  }

  private static int at(Kind kind) {
    return Math.toIntExact(LAYOUT.block(kind).offset());
  }
}
