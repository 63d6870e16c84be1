package dev.comity.plan;

import java.util.ArrayList;
import java.util.List;

/// The blocks of the masked vector, in the order of `Kind` and without gaps; a block that a round
/// does not use has length 0. Each element of a block is encoded as `⌊scale · x⌉` with `|x| ≤
/// bound`, within ±(2^(precision − 1) − 1), so that the sum over the largest roster stays within
/// the ring.
public record VectorLayout(int bits, int precision, List<Block> blocks) {
  /// Bins of one class-wise histogram of scores: bin = min(31, ⌊32·sigmoid(logit)⌋).
  public static final int HISTOGRAM_BINS = 32;

  /// Coordinates that must sum to zero make up at least this many bits.
  public static final int ZERO_BITS = 128;

  private static final int MAX_PRECISION = 31;

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

  /// `length` elements from `offset`, counted in elements. A block of integers has an integer
  /// `scale`.
  public record Block(Kind kind, long offset, long length, double bound, double scale) {
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
    }
  }

  public VectorLayout {
    blocks = List.copyOf(blocks);
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
    long largest = largest(precision);
    for (Kind wanted : Kind.values()) {
      Block block = blocks.get(wanted.ordinal());
      if (block.kind() != wanted || block.offset() != offset) {
        throw new IllegalArgumentException(
            "block %s at offset %d: must be %s at offset %d"
                .formatted(block.kind(), block.offset(), wanted, offset));
      }
      // Half a unit of room: bound · (largest / bound) may round above largest.
      if (block.length() > 0 && block.bound() * block.scale() > largest + 0.5) {
        throw new IllegalArgumentException(
            "block %s: bound %s times scale %s exceeds 2^%d - 1"
                .formatted(block.kind(), block.bound(), block.scale(), precision - 1));
      }
      offset += block.length();
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
    int precision = encoding.precision();
    long largest = largest(precision);
    if (maxExamples < 1 || maxExamples > largest) {
      throw new IllegalArgumentException(
          "maxExamples %d: must be 1 to %d (2^%d - 1), the largest count that %d bits hold for nMax %d sites; lower maxExamples or encoding.nMax"
              .formatted(maxExamples, largest, precision - 1, encoding.bits(), encoding.nMax()));
    }
    double lossBound = lossCap * maxExamples;
    if (!Double.isFinite(lossBound)) {
      throw new IllegalArgumentException(
          "lossCap %s times maxExamples %d is not finite; lower lossCap"
              .formatted(lossCap, maxExamples));
    }
    long parameters = ParameterLayout.of(architecture).size();
    long histograms = architecture.binary() ? 2L * HISTOGRAM_BINS : 0;

    List<Block> blocks = new ArrayList<>();
    for (Kind block : Kind.values()) {
      long offset = blocks.isEmpty() ? 0 : end(blocks.getLast());
      blocks.add(
          switch (block) {
            case UPDATE ->
                train
                    ? new Block(block, offset, parameters, clipNorm, largest / clipNorm)
                    : unused(block, offset);
            case WEIGHT ->
                train && metrics ? new Block(block, offset, 1, 1, largest) : unused(block, offset);
            case NORMALISATION, ENERGY -> unused(block, offset);
            case COUNT -> new Block(block, offset, 1, 1, 1);
            case ZEROS -> new Block(block, offset, Math.ceilDiv(ZERO_BITS, encoding.bits()), 0, 1);
            case METRICS_LOSS ->
                metrics
                    ? new Block(block, offset, 1, lossBound, largest / lossBound)
                    : unused(block, offset);
            case METRICS_COUNTS ->
                metrics
                    ? new Block(
                        block,
                        offset,
                        2 + histograms,
                        maxExamples,
                        Math.max(1, largest / maxExamples))
                    : unused(block, offset);
          });
    }
    return new VectorLayout(encoding.bits(), precision, blocks);
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

  /// `2^(precision − 1) − 1`: no site's coordinate is larger in absolute value.
  public long largestCoordinate() {
    return largest(precision);
  }

  public Digest digest() {
    return Digest.of(PlanCodec.encode(this));
  }

  private static Block unused(Kind kind, long offset) {
    return new Block(kind, offset, 0, 0, 1);
  }

  private static long end(Block block) {
    return block.offset() + block.length();
  }

  private static long largest(int precision) {
    return (1L << (precision - 1)) - 1;
  }

  private static void requirePositive(String name, double value, String meaning) {
    if (!(value > 0 && Double.isFinite(value))) {
      throw new IllegalArgumentException(
          "%s %s: must be > 0 and finite; set %s to %s".formatted(name, value, name, meaning));
    }
  }
}
