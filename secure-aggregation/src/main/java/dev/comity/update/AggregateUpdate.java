package dev.comity.update;

import dev.comity.codec.CborReader;
import dev.comity.codec.CborWriter;
import dev.comity.codec.MalformedException;
import dev.comity.plan.Digest;
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
  private final int contributors;

  private AggregateUpdate(VectorLayout layout, MemorySegment ring, int contributors) {
    this.layout = layout;
    this.ring = ring;
    this.contributors = contributors;
  }

  /// Checks an unmasked sum.
  ///
  /// @param ring 32-bit elements, little-endian; copied
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
  /// sites count alike and carry none.
  public float[] mean() {
    var update = layout.block(Kind.UPDATE);
    if (update.length() == 0) {
      return new float[0];
    }
    var weight = layout.block(Kind.WEIGHT);
    double weights = weight.length() == 0 ? contributors : coordinate(weight, 0) / weight.scale();
    double factor = 1 / (update.scale() * weights);
    var mean = Ring.allocate(Float.BYTES * update.length());
    Vectors.dequantise(mean, slice(update), factor);
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
    for (long i = 2; i < counts.length(); i++) {
      histograms.add(count(counts, i));
    }
    int bins = histograms.size() / 2;
    return Optional.of(
        new Metrics(
            coordinate(loss, 0) / loss.scale(),
            count(counts, 0),
            count(counts, 1),
            histograms.subList(0, bins),
            histograms.subList(bins, histograms.size())));
  }

  private void check(Block block) {
    switch (block.kind()) {
      case UPDATE -> {
        checkRange(block, -largest(block));
        checkNorm(block);
      }
      case WEIGHT -> checkWeight(block);
      case COUNT -> checkCount(block);
      case ZEROS -> checkZeros(block);
      case METRICS_LOSS, NORMALISATION, ENERGY -> checkRange(block, 0);
      case METRICS_COUNTS -> {
        checkRange(block, 0);
        checkCounts(block);
      }
    }
  }

  private void checkRange(Block block, long least) {
    long most = largest(block);
    for (long i = 0; i < block.length(); i++) {
      int value = coordinate(block, i);
      if (value < least || value > most) {
        throw new RejectedSum(new RejectedSum.Reason.CoordinateOutOfRange(block.kind(), i));
      }
    }
  }

  /// Each site's update has norm at most `C`; rounding moves each of its coordinates by less than
  /// one unit of the ring.
  private void checkNorm(Block block) {
    double squares = 0;
    for (long i = 0; i < block.length(); i++) {
      double value = coordinate(block, i);
      squares += value * value;
    }
    double norm = Math.sqrt(squares) / block.scale();
    double site = block.bound() + Math.sqrt((double) block.length()) / block.scale();
    double limit = contributors * site * (1 + NORM_SLACK);
    if (norm > limit) {
      throw new RejectedSum(new RejectedSum.Reason.NormOutOfRange(norm, limit));
    }
  }

  private void checkWeight(Block block) {
    for (long i = 0; i < block.length(); i++) {
      int value = coordinate(block, i);
      if (value <= 0 || value > largest(block)) {
        throw new RejectedSum(
            new RejectedSum.Reason.WeightOutOfRange(value / block.scale(), contributors));
      }
    }
  }

  private void checkCount(Block block) {
    for (long i = 0; i < block.length(); i++) {
      int counted = coordinate(block, i);
      if (counted != contributors) {
        throw new RejectedSum(new RejectedSum.Reason.WrongCount(counted, contributors));
      }
    }
  }

  private void checkZeros(Block block) {
    for (long i = 0; i < block.length(); i++) {
      if (coordinate(block, i) != 0) {
        throw new RejectedSum(new RejectedSum.Reason.NotZero(i));
      }
    }
  }

  private void checkCounts(Block block) {
    for (long i = 0; i < block.length(); i++) {
      if (coordinate(block, i) % (long) block.scale() != 0) {
        throw new RejectedSum(new RejectedSum.Reason.ImpossibleCounts(i));
      }
    }
    if (block.length() > 0 && count(block, 0) > count(block, 1)) {
      throw new RejectedSum(new RejectedSum.Reason.ImpossibleCounts(0));
    }
  }

  /// What the contributors can add up to at most in one coordinate of the block.
  private long largest(Block block) {
    long each = (long) Math.rint(block.bound() * block.scale());
    return contributors * Math.min(each, layout.largestCoordinate());
  }

  private long count(Block block, long i) {
    return coordinate(block, i) / (long) block.scale();
  }

  private int coordinate(Block block, long i) {
    return ring.get(Ring.INT, Integer.BYTES * (block.offset() + i));
  }

  private MemorySegment slice(Block block) {
    return ring.asSlice(Integer.BYTES * block.offset(), Integer.BYTES * block.length());
  }
}
