package dev.comity.update;

import dev.comity.codec.CborReader;
import dev.comity.codec.CborWriter;
import dev.comity.codec.MalformedException;
import dev.comity.plan.Digest;
import dev.comity.plan.DistributedNoise;
import dev.comity.plan.VectorLayout;
import dev.comity.plan.VectorLayout.Block;
import dev.comity.plan.VectorLayout.Kind;
import dev.comity.vector.Vectors;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// The unmasked sum over the survivors of a session: all that the aggregator ever sees of them.
///
/// Immutable. The published artifact ([#encode]) holds the ring elements themselves, so that every
/// site recomputes [#mean] to the same bits.
public final class AggregateUpdate {
  private static final String DOCUMENT = "AggregateUpdate";

  /// Room for the rounding of the norm itself, relative.
  private static final double NORM_SLACK = 1e-9;

  private final VectorLayout layout;
  private final MemorySegment ring;
  private final MemorySegment elements;
  private final int contributors;

  /// @param ring as it travels
  private AggregateUpdate(VectorLayout layout, MemorySegment ring, int contributors) {
    this.layout = layout;
    this.ring = ring;
    this.elements = Ring.unpack(layout, ring);
    this.contributors = contributors;
  }

  /// Checks an unmasked sum.
  ///
  /// @param ring elements of the layout's width, packed, little-endian; copied
  /// @param survivors how many sites the certificate names
  /// @throws RejectedSum with the check that failed
  public static AggregateUpdate decode(VectorLayout layout, MemorySegment ring, int survivors) {
    if (survivors < 1) {
      throw new IllegalArgumentException("survivors " + survivors + ": must be >= 1");
    }
    if (ring.byteSize() != layout.byteLength()) {
      throw new RejectedSum(
          new RejectedSum.Reason.WrongLength(ring.byteSize(), layout.byteLength()));
    }
    var sum =
        new AggregateUpdate(layout, Ring.allocate(layout).copyFrom(ring).asReadOnly(), survivors);
    for (var block : layout.blocks()) {
      sum.check(block);
    }
    return sum;
  }

  /// Reads what [#encode] wrote and checks it as [#decode] does.
  ///
  /// @throws MalformedException when the bytes are no artifact of this layout
  /// @throws RejectedSum with the check that failed
  public static AggregateUpdate decodeArtifact(VectorLayout layout, byte[] artifact) {
    if (artifact.length < Integer.BYTES) {
      throw new MalformedException(
          DOCUMENT + ": found %d bytes, needs at least 4".formatted(artifact.length));
    }
    int headLength = ByteBuffer.wrap(artifact).getInt();
    if (headLength < 0 || headLength > artifact.length - Integer.BYTES) {
      throw new MalformedException(
          DOCUMENT + ": head of %d bytes in %d".formatted(headLength, artifact.length));
    }
    byte[] head = new byte[headLength];
    ByteBuffer.wrap(artifact, Integer.BYTES, headLength).get(head);
    int survivors =
        CborReader.read(
            head,
            DOCUMENT,
            fields -> {
              var named = Digest.ofValue(fields.bytes("layout", Digest.SIZE));
              if (!named.equals(layout.digest())) {
                throw new MalformedException(
                    DOCUMENT
                        + ".layout: found %s, the plan has %s".formatted(named, layout.digest()));
              }
              return fields.int32("contributors");
            });
    if (survivors < 1) {
      throw new MalformedException(
          DOCUMENT + ".contributors: found %d, must be >= 1".formatted(survivors));
    }
    return decode(
        layout, MemorySegment.ofArray(artifact).asSlice(Integer.BYTES + headLength), survivors);
  }

  /// The artifact: length of the head (4 bytes, big-endian), head (deterministic CBOR: the layout's
  /// digest, contributors), then the ring elements, little-endian.
  public byte[] encode() {
    byte[] head =
        CborWriter.map()
            .bytes("layout", layout.digest().bytes())
            .integer("contributors", contributors)
            .toBytes();
    byte[] artifact = new byte[Math.toIntExact(Integer.BYTES + head.length + ring.byteSize())];
    ByteBuffer.wrap(artifact).putInt(head.length).put(head);
    MemorySegment.ofArray(artifact).asSlice(Integer.BYTES + head.length).copyFrom(ring);
    return artifact;
  }

  public VectorLayout layout() {
    return layout;
  }

  /// How many sites the sum holds.
  public int contributors() {
    return contributors;
  }

  /// The weighted mean of the clipped updates, flat in the order of the parameter layout; empty in
  /// a round without updates. Element `i` is `(float) (sum[i] · f)` with `f = 1/(S·W)` in double,
  /// `S` the scale of the block and `W` the summed weight, or the number of contributors where
  /// sites count alike and carry none. Where the layout rotates, `sum` is turned back first:
  /// element `i` is `(float) (sign[i] · (H·sum)[i] · f/√d)`.
  public float[] mean() {
    var update = layout.block(Kind.UPDATE);
    if (update.length() == 0) {
      return new float[0];
    }
    var weight = layout.block(Kind.WEIGHT);
    double weights = weight.length() == 0 ? contributors : value(weight, 0) / weight.scale();
    double factor = 1 / (update.scale() * weights);
    if (layout.update().rotation().isPresent()) {
      float[] mean = new float[Math.toIntExact(layout.update().parameters())];
      new Rotation(layout.update().rotation().get(), update.length())
          .turnBack(i -> element(update.offset() + i), factor, mean);
      return mean;
    }
    var mean = Ring.allocate(Float.BYTES * update.length());
    Vectors.dequantise(
        mean,
        elements.asSlice(Integer.BYTES * update.offset(), Integer.BYTES * update.length()),
        factor);
    return mean.toArray(Ring.FLOAT);
  }

  /// The summed metrics; empty when the plan carries none.
  public Optional<Metrics> metrics() {
    var loss = layout.block(Kind.METRICS_LOSS);
    var counts = layout.block(Kind.METRICS_COUNTS);
    if (loss.length() == 0 || counts.length() == 0) {
      return Optional.empty();
    }
    List<Long> histograms = new ArrayList<>();
    for (long i = 2; i < counts.values(); i++) {
      histograms.add(count(counts, i));
    }
    int bins = histograms.size() / 2;
    return Optional.of(
        new Metrics(
            value(loss, 0) / loss.scale(),
            count(counts, 0),
            count(counts, 1),
            histograms.subList(0, bins),
            histograms.subList(bins, histograms.size())));
  }

  private void check(Block block) {
    switch (block.kind()) {
      case UPDATE -> {
        checkUpdate(block);
        checkNorm(block);
      }
      case WEIGHT -> {
        checkDigits(block);
        checkWeight(block);
      }
      case COUNT -> checkCount(block);
      case ZEROS -> checkZeros(block);
      case METRICS_LOSS, NORMALISATION, ENERGY -> checkRange(block);
      case METRICS_COUNTS -> {
        checkRange(block);
        checkCounts(block);
      }
    }
  }

  /// Every coordinate is a sum of clipped coordinates and, where the layout has it, of noise.
  private void checkUpdate(Block block) {
    long noise = (long) Math.ceil(DistributedNoise.MARGIN * summedDeviation());
    long most = largest(block) + noise;
    for (long i = 0; i < block.length(); i++) {
      if (Math.abs((long) element(block.offset() + i)) > most) {
        throw new RejectedSum(new RejectedSum.Reason.CoordinateOutOfRange(block.kind(), i));
      }
    }
  }

  private void checkRange(Block block) {
    checkDigits(block);
    long most = largest(block);
    for (long i = 0; i < block.values(); i++) {
      long value = value(block, i);
      if (value < 0 || value > most) {
        throw new RejectedSum(new RejectedSum.Reason.CoordinateOutOfRange(block.kind(), i));
      }
    }
  }

  /// A value of several limbs is no sum of values unless every digit is a sum of digits.
  private void checkDigits(Block block) {
    long most = contributors * layout.largestCoordinate();
    for (long i = 0; block.limbs() > 1 && i < block.length(); i++) {
      int digit = element(block.offset() + i);
      if (digit < 0 || digit > most) {
        throw new RejectedSum(
            new RejectedSum.Reason.CoordinateOutOfRange(block.kind(), i / block.limbs()));
      }
    }
  }

  /// Each site's update has norm at most `C`, and rounding moves each of its coordinates by less
  /// than one unit of the ring, or was repeated until the norm was within the sensitivity. Noise of
  /// variance σ² in each of `d` coordinates, subgaussian as it is, has norm at most `σ·(√d +
  /// √(2s))` but for a probability of e^−s (Hsu, Kakade, Zhang 2012, theorem 2.1): with the margin
  /// of a coordinate for `√(2s)`, e^−50.
  private void checkNorm(Block block) {
    double squares = 0;
    for (long i = 0; i < block.length(); i++) {
      double value = element(block.offset() + i);
      squares += value * value;
    }
    double norm = Math.sqrt(squares) / block.scale();
    double root = Math.sqrt((double) block.length());
    double site =
        layout.update().noiseVariance() > 0
            ? layout.sensitivity()
            : block.scale() * layout.update().norm() + root;
    double noise = summedDeviation() * (root + DistributedNoise.MARGIN);
    double limit = (contributors * site + noise) / block.scale() * (1 + NORM_SLACK);
    if (norm > limit) {
      throw new RejectedSum(new RejectedSum.Reason.NormOutOfRange(norm, limit));
    }
  }

  /// The standard deviation of the contributors' noise in one coordinate, in units of the ring.
  private double summedDeviation() {
    return Math.sqrt(contributors * (double) layout.update().noiseVariance());
  }

  private void checkWeight(Block block) {
    for (long i = 0; i < block.values(); i++) {
      long value = value(block, i);
      if (value <= 0 || value > largest(block)) {
        throw new RejectedSum(
            new RejectedSum.Reason.WeightOutOfRange(value / block.scale(), contributors));
      }
    }
  }

  private void checkCount(Block block) {
    for (long i = 0; i < block.length(); i++) {
      int counted = element(block.offset() + i);
      if (counted != contributors) {
        throw new RejectedSum(new RejectedSum.Reason.WrongCount(counted, contributors));
      }
    }
  }

  private void checkZeros(Block block) {
    for (long i = 0; i < block.length(); i++) {
      if (element(block.offset() + i) != 0) {
        throw new RejectedSum(new RejectedSum.Reason.NotZero(i));
      }
    }
  }

  private void checkCounts(Block block) {
    for (long i = 0; i < block.values(); i++) {
      if (value(block, i) % (long) block.scale() != 0) {
        throw new RejectedSum(new RejectedSum.Reason.ImpossibleCounts(i));
      }
    }
    if (block.length() > 0 && count(block, 0) > count(block, 1)) {
      throw new RejectedSum(new RejectedSum.Reason.ImpossibleCounts(0));
    }
  }

  /// What the contributors can add up to at most in one value of the block.
  private long largest(Block block) {
    long each = (long) Math.rint(block.bound() * block.scale());
    return contributors * Math.min(each, layout.largestValue(block));
  }

  private long count(Block block, long i) {
    return value(block, i) / (long) block.scale();
  }

  /// Value `i` of a block: its digits, carried.
  private long value(Block block, long i) {
    long value = 0;
    for (int limb = block.limbs() - 1; limb >= 0; limb--) {
      long digit = element(block.offset() + i * block.limbs() + limb);
      value = (value << layout.precision() - 1) + digit;
    }
    return value;
  }

  private int element(long i) {
    return elements.get(Ring.INT, Integer.BYTES * i);
  }
}
