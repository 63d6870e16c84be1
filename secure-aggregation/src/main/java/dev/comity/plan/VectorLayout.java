package dev.comity.plan;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// The blocks of the masked vector, in the order of `Kind` and without gaps; a block that a round
/// does not use has length 0. A value `x` of a block, `|x| ≤ bound`, is encoded as `⌊scale · x⌉` in
/// `limbs` elements: its digits to the base 2^(precision − 1), least first. Every element of a site
/// lies within ±(2^(precision − 1) − 1), so that the sum over the largest roster stays within the
/// ring, and sums of digits are read as a sum of values.
public record VectorLayout(int bits, int precision, Update update, List<Block> blocks) {
  /// Bins of one class-wise histogram of scores: bin = min(31, ⌊32·sigmoid(logit)⌋).
  public static final int HISTOGRAM_BINS = 32;

  /// Coordinates that must sum to zero make up at least this many bits.
  public static final int ZERO_BITS = 128;

  private static final int MAX_PRECISION = 31;

  /// Weights and metrics have at least this many bits, whatever the ring: as many as one element
  /// has in a ring of 32 bits for 512 sites.
  private static final int VALUE_BITS = 22;

  /// How likely rotation leaves a coordinate of a site's update above its bound: one update in a
  /// thousand.
  private static final double CLIPPED = 1e-3;

  private static final byte[] ROTATION = "comity rotation v1".getBytes(StandardCharsets.UTF_8);

  /// What a block holds.
  public enum Kind {
    /// The weighted, clipped update.
    UPDATE,
    /// The site's weight in (0, 1].
    WEIGHT,
    /// 1 for every contributor.
    COUNT,
    /// Zeros, which unmask to zero only if every mask was removed rightly.
    ZEROS,
    NORMALISATION,
    /// The sum of the examples' losses, each capped.
    METRICS_LOSS,
    /// Correct predictions, examples and, for a binary model, the histograms of scores: of the
    /// negatives, then of the positives.
    METRICS_COUNTS,
    ENERGY
  }

  /// `length` elements from `offset`, counted in elements, `limbs` of them for each value. A block
  /// of integers has an integer `scale`; one of several limbs holds no negative value.
  public record Block(Kind kind, long offset, long length, double bound, double scale, int limbs) {
    public Block {
      if (offset < 0 || length < 0) {
        throw new IllegalArgumentException(
            "block %s: offset %d and length %d must be >= 0".formatted(kind, offset, length));
      }
      if (!(bound >= 0 && Double.isFinite(bound))) {
        throw new IllegalArgumentException(
            "block %s: bound %s must be >= 0 and finite".formatted(kind, bound));
      }
      if (!(scale > 0 && Double.isFinite(scale))) {
        throw new IllegalArgumentException(
            "block %s: scale %s must be > 0 and finite".formatted(kind, scale));
      }
      if (limbs < 1 || length % limbs != 0) {
        throw new IllegalArgumentException(
            "block %s: length %d must be a multiple of its %d limbs"
                .formatted(kind, length, limbs));
      }
    }

    /// How many values it holds.
    public long values() {
      return length / limbs;
    }
  }

  /// How a site's update lies in the block `UPDATE`.
  ///
  /// @param parameters how many an update has; 0 in a round without updates
  /// @param norm the bound C of its L2 norm
  /// @param rotation the seed of the random signs that all sites share; empty without rotation.
  ///   Rotated, the block is as long as the least power of two that holds the parameters
  /// @param noiseVariance the variance of the integer noise that each site adds to each element of
  ///   the block; 0 without
  public record Update(
      long parameters, double norm, Optional<Digest> rotation, long noiseVariance) {
    public Update {
      if (parameters < 0 || parameters > ParameterLayout.MAX_PARAMETERS) {
        throw new IllegalArgumentException(
            "update of %d parameters: must be 0 to %d"
                .formatted(parameters, ParameterLayout.MAX_PARAMETERS));
      }
      if (!(norm >= 0 && Double.isFinite(norm)) || noiseVariance < 0) {
        throw new IllegalArgumentException(
            "update: norm %s and noiseVariance %d must be >= 0 and finite"
                .formatted(norm, noiseVariance));
      }
    }

    /// How many elements the block has.
    long length() {
      return rotation.isPresent() ? padded(parameters) : parameters;
    }
  }

  public VectorLayout {
    blocks = List.copyOf(blocks);
    Encoding.requirePreset(bits);
    if (precision < 2 || precision > MAX_PRECISION || precision >= bits) {
      throw new IllegalArgumentException(
          "precision %d of %d bits: must be 2 to %d and below bits; lower encoding.nMax"
              .formatted(precision, bits, MAX_PRECISION));
    }
    if (blocks.size() != Kind.values().length) {
      throw new IllegalArgumentException(
          "%d blocks: a vector has one of each of the %d kinds"
              .formatted(blocks.size(), Kind.values().length));
    }
    long offset = 0;
    for (Kind wanted : Kind.values()) {
      Block block = blocks.get(wanted.ordinal());
      if (block.kind() != wanted || block.offset() != offset) {
        throw new IllegalArgumentException(
            "block %s at offset %d: must be %s at offset %d"
                .formatted(block.kind(), block.offset(), wanted, offset));
      }
      int digits = block.limbs() * (precision - 1);
      if (digits >= Long.SIZE - 1) {
        throw new IllegalArgumentException(
            "block %s: %d limbs of %d bits are more than a value has"
                .formatted(block.kind(), block.limbs(), precision - 1));
      }
      // Half a unit of room: bound · (largest / bound) may round above largest.
      if (block.length() > 0 && block.bound() * block.scale() > largest(digits) + 0.5) {
        throw new IllegalArgumentException(
            "block %s: bound %s times scale %s exceeds 2^%d - 1"
                .formatted(block.kind(), block.bound(), block.scale(), digits));
      }
      offset += block.length();
    }
    Block held = blocks.getFirst();
    if (held.length() != update.length() || held.limbs() != 1) {
      throw new IllegalArgumentException(
          "block UPDATE of %d elements in %d limbs: must be %d in 1"
              .formatted(held.length(), held.limbs(), update.length()));
    }
  }

  /// As below, without differential privacy.
  public static VectorLayout of(
      RunKind kind,
      Architecture architecture,
      Encoding encoding,
      double clipNorm,
      long maxExamples,
      double lossCap) {
    return of(kind, architecture, encoding, clipNorm, maxExamples, lossCap, new Noise.None());
  }

  /// The layout that a plan's settings determine. With differential privacy it has neither weights
  /// nor metrics. Fails with IllegalArgumentException when the bit budget does not fit, or when
  /// nothing is left to sum.
  public static VectorLayout of(
      RunKind kind,
      Architecture architecture,
      Encoding encoding,
      double clipNorm,
      long maxExamples,
      double lossCap,
      Noise noise) {
    boolean train =
        switch (kind) {
          case TRAIN -> true;
          case EVALUATE -> false;
          case STATISTICS, PERSONALIZE ->
              throw new IllegalArgumentException(
                  "kind %s: not offered by this version; choose TRAIN or EVALUATE".formatted(kind));
        };
    boolean metrics = !noise.isPrivate();
    if (!train && !metrics) {
      throw new IllegalArgumentException(
          "kind %s: metrics do not travel under differential privacy, so there is nothing to evaluate"
              .formatted(kind));
    }
    requirePositive("clipNorm", clipNorm, "the L2 bound of a site's update");
    requirePositive("lossCap", lossCap, "the largest loss of one example");
    long parameters = train ? ParameterLayout.of(architecture).size() : 0;
    boolean rotated = train && encoding.rotates(noise);
    double bound = rotated ? rotatedBound(clipNorm, padded(parameters)) : clipNorm;
    Optional<Budget> noised =
        train && noise instanceof Noise.Distributed distributed
            ? Optional.of(budget(distributed, clipNorm, bound, padded(parameters), encoding))
            : Optional.empty();
    int precision = noised.map(Budget::precision).orElse(encoding.precision());
    var update =
        new Update(
            parameters,
            train ? clipNorm : 0,
            rotated ? Optional.of(Digest.of(ROTATION)) : Optional.empty(),
            noised.map(each -> each.noise().variance()).orElse(0L));

    int limbs = Math.ceilDiv(VALUE_BITS, precision - 1);
    long largest = largest(limbs * (precision - 1));
    if (maxExamples < 1 || maxExamples > largest) {
      throw new IllegalArgumentException(
          "maxExamples %d: must be 1 to %d (2^%d - 1), the largest count that %d bits hold for nMax %d sites; lower maxExamples or encoding.nMax"
              .formatted(
                  maxExamples, largest, limbs * (precision - 1), encoding.bits(), encoding.nMax()));
    }
    double lossBound = lossCap * maxExamples;
    if (!Double.isFinite(lossBound)) {
      throw new IllegalArgumentException(
          "lossCap %s times maxExamples %d is not finite; lower lossCap"
              .formatted(lossCap, maxExamples));
    }
    long histograms = architecture.binary() ? 2L * HISTOGRAM_BINS : 0;

    List<Block> blocks = new ArrayList<>();
    for (Kind block : Kind.values()) {
      long offset = blocks.isEmpty() ? 0 : end(blocks.getLast());
      blocks.add(
          switch (block) {
            case UPDATE ->
                train
                    ? new Block(
                        block, offset, update.length(), bound, largest(precision - 1) / bound, 1)
                    : unused(block, offset);
            case WEIGHT ->
                train && metrics
                    ? new Block(block, offset, limbs, 1, largest, limbs)
                    : unused(block, offset);
            case NORMALISATION, ENERGY -> unused(block, offset);
            case COUNT -> new Block(block, offset, 1, 1, 1, 1);
            case ZEROS ->
                new Block(block, offset, Math.ceilDiv(ZERO_BITS, encoding.bits()), 0, 1, 1);
            case METRICS_LOSS ->
                metrics
                    ? new Block(block, offset, limbs, lossBound, largest / lossBound, limbs)
                    : unused(block, offset);
            case METRICS_COUNTS ->
                metrics
                    ? new Block(
                        block,
                        offset,
                        (2 + histograms) * limbs,
                        maxExamples,
                        Math.max(1, largest / maxExamples),
                        limbs)
                    : unused(block, offset);
          });
    }
    return new VectorLayout(encoding.bits(), precision, update, blocks);
  }

  /// This layout for one round: the signs of its rotation follow from the run and the version of
  /// the base model, so that they are fresh in every round and the same when a round is repeated
  /// over the same base. Without rotation nothing changes.
  public VectorLayout forRound(RunId run, int baseVersion) {
    if (update.rotation().isEmpty()) {
      return this;
    }
    byte[] version = ByteBuffer.allocate(Integer.BYTES).putInt(baseVersion).array();
    var seed = Digest.ofAll(ROTATION, run.bytes().toByteArray(), version);
    return new VectorLayout(
        bits,
        precision,
        new Update(update.parameters(), update.norm(), Optional.of(seed), update.noiseVariance()),
        blocks);
  }

  /// The one block of this kind.
  public Block block(Kind kind) {
    return blocks.get(kind.ordinal());
  }

  /// How many elements the vector has.
  public long length() {
    return end(blocks.getLast());
  }

  /// How many bytes the vector has: elements packed, little-endian.
  public long byteLength() {
    return Math.ceilDiv(length() * bits, Byte.SIZE);
  }

  /// `2^(precision − 1) − 1`: no site's element is larger in absolute value.
  public long largestCoordinate() {
    return largest(precision - 1);
  }

  /// The largest value that the block's limbs hold, times its scale.
  public long largestValue(Block block) {
    return largest(block.limbs() * (precision - 1));
  }

  /// The largest L2 norm of a site's encoded update before its noise, in units of the ring, where
  /// rounding is repeated until it holds: [DistributedNoise#sensitivity].
  public double sensitivity() {
    Block held = block(Kind.UPDATE);
    return DistributedNoise.sensitivity(
        held.scale() * update.norm(), held.length(), DistributedNoise.BETA);
  }

  public Digest digest() {
    return Digest.of(PlanCodec.encode(this));
  }

  /// A precision and the noise that fits beside it.
  private record Budget(int precision, DistributedNoise noise) {}

  /// The highest precision at which `nMax` sites' coordinates and noise stay within the ring.
  private static Budget budget(
      Noise.Distributed noise, double norm, double bound, long dimension, Encoding encoding) {
    for (int precision = encoding.precision(); precision >= 2; precision--) {
      long largest = largest(precision - 1);
      var fitting =
          DistributedNoise.fitting(noise, norm, largest / bound, dimension, encoding, largest);
      if (fitting.isPresent()) {
        fitting.get().requireWide(noise, encoding);
        return new Budget(precision, fitting.get());
      }
    }
    throw new IllegalArgumentException(
        "noise.noiseMultiplier %s: the noise of %d sites on %d coordinates does not fit a ring of %d bits; raise encoding.bits, or lower encoding.nMax or noise.noiseMultiplier"
            .formatted(noise.noiseMultiplier(), encoding.nMax(), dimension, encoding.bits()));
  }

  /// `min(C, C·√(2 ln(2d/β)/d))`: with random signs a coordinate is a sum of ±u_i/√d, above this
  /// bound with probability at most β/d each (Hoeffding).
  private static double rotatedBound(double norm, long dimension) {
    double width = 2 * StrictMath.log(2 * dimension / CLIPPED) / dimension; // the same everywhere
    return norm * Math.min(1, Math.sqrt(width));
  }

  private static long padded(long length) {
    return length <= 1 ? length : Long.highestOneBit(length - 1) << 1;
  }

  private static Block unused(Kind kind, long offset) {
    return new Block(kind, offset, 0, 0, 1, 1);
  }

  private static long end(Block block) {
    return block.offset() + block.length();
  }

  private static long largest(int digits) {
    return (1L << digits) - 1;
  }

  private static void requirePositive(String name, double value, String meaning) {
    if (!(value > 0 && Double.isFinite(value))) {
      throw new IllegalArgumentException(
          "%s %s: must be > 0 and finite; set %s to %s".formatted(name, value, name, meaning));
    }
  }
}
