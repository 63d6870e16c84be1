package dev.comity.update;

import dev.comity.plan.Architecture;
import dev.comity.plan.Encoding;
import dev.comity.plan.Noise;
import dev.comity.plan.RunId;
import dev.comity.plan.RunKind;
import dev.comity.plan.VectorLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.UUID;

/// Updates and masks of made-up sites, for the tests of this package.
final class Sites {
  static final double CLIP_NORM = 2.5;
  static final int MAX_EXAMPLES = 1000;
  static final double LOSS_CAP = 20;
  private static final RunId RUN = new RunId(new UUID(7, 11));

  private Sites() {}

  /// A binary logistic regression of `parameters` parameters, 32 bits, room for 512 sites.
  static VectorLayout layout(int parameters) {
    return layout(RunKind.TRAIN, parameters);
  }

  static VectorLayout layout(RunKind kind, int parameters) {
    return VectorLayout.of(
        kind,
        new Architecture("logistic-regression", List.of(parameters - 1, 1)),
        new Encoding(32, 512),
        CLIP_NORM,
        MAX_EXAMPLES,
        LOSS_CAP);
  }

  /// As above in another ring, without distributed noise.
  static VectorLayout layout(int bits, int nMax, int parameters) {
    return layout(new Encoding(bits, nMax), new Noise.None(), parameters);
  }

  static VectorLayout layout(Encoding encoding, Noise noise, int parameters) {
    return VectorLayout.of(
            RunKind.TRAIN,
            new Architecture("logistic-regression", List.of(parameters - 1, 1)),
            encoding,
            CLIP_NORM,
            MAX_EXAMPLES,
            LOSS_CAP,
            noise)
        .forRound(RUN, 3);
  }

  /// The same vector with rotation or without, whatever its width; no coordinate is clipped.
  static VectorLayout withRotation(VectorLayout layout, boolean rotated) {
    int parameters = Math.toIntExact(layout.update().parameters());
    var shape =
        rotated
            ? layout(new Encoding(16, 8), new Noise.None(), parameters)
            : layout(new Encoding(32, 8), new Noise.None(), parameters);
    List<VectorLayout.Block> blocks = new ArrayList<>();
    long offset = 0;
    for (var block : layout.blocks()) {
      boolean update = block.kind() == VectorLayout.Kind.UPDATE;
      var moved =
          new VectorLayout.Block(
              block.kind(),
              offset,
              update ? shape.block(block.kind()).length() : block.length(),
              update ? CLIP_NORM : block.bound(),
              update ? layout.largestCoordinate() / CLIP_NORM : block.scale(),
              block.limbs());
      blocks.add(moved);
      offset += moved.length();
    }
    return new VectorLayout(layout.bits(), layout.precision(), shape.update(), blocks);
  }

  /// Under distributed noise: no weight, no metrics.
  static NoisedUpdate noised(long site, VectorLayout layout, Noise noise) {
    return clipped(site, Math.toIntExact(layout.update().parameters()))
        .encode(layout, roundingKey(site))
        .noise(noise);
  }

  static NoisedUpdate noised(long site, VectorLayout layout) {
    return noised(site, layout, new Noise.None());
  }

  static RoundingKey roundingKey(long site) {
    byte[] secret = new byte[32];
    new Random(site).nextBytes(secret);
    return RoundingKey.derive(secret, RUN, RunKind.TRAIN, 0, new float[] {1});
  }

  static float[] delta(long seed, int parameters) {
    var random = new Random(seed);
    float[] delta = new float[parameters];
    for (int i = 0; i < parameters; i++) {
      delta[i] = (float) (random.nextGaussian() * (1 + random.nextInt(3)) / Math.sqrt(parameters));
    }
    return delta;
  }

  static Metrics metrics(long seed) {
    var random = new Random(~seed);
    List<Long> negatives = new ArrayList<>();
    List<Long> positives = new ArrayList<>();
    for (int i = 0; i < VectorLayout.HISTOGRAM_BINS; i++) {
      negatives.add((long) random.nextInt(10));
      positives.add((long) random.nextInt(10));
    }
    long examples = 1L + random.nextInt(MAX_EXAMPLES);
    return new Metrics(
        random.nextDouble() * LOSS_CAP * examples,
        random.nextLong(examples + 1),
        examples,
        negatives,
        positives);
  }

  static ClippedUpdate clipped(long site, int parameters) {
    return LocalUpdate.of(delta(site, parameters), weight(site), metrics(site)).clip(CLIP_NORM);
  }

  static double weight(long site) {
    return (1 + site % 7) / 7.0;
  }

  static NoisedUpdate noised(long site, int parameters) {
    return noised(site, layout(parameters));
  }

  /// The masks of `n` sites: a self mask each and one for every pair, added by the lower index.
  record Masks(List<MaskKey> self, List<List<MaskKey>> pair) {
    static Masks random(long seed, int n) {
      var random = new Random(seed);
      List<MaskKey> self = new ArrayList<>();
      List<List<MaskKey>> pair = new ArrayList<>();
      for (int i = 0; i < n; i++) {
        self.add(key(random));
        List<MaskKey> row = new ArrayList<>();
        for (int j = 0; j < n; j++) {
          row.add(j < i ? pair.get(j).get(i) : key(random));
        }
        pair.add(row);
      }
      return new Masks(self, pair);
    }

    List<Mask> of(int site) {
      List<Mask> masks = new ArrayList<>();
      masks.add(new Mask(self.get(site), true));
      for (int other = 0; other < self.size(); other++) {
        if (other != site) {
          masks.add(between(site, other));
        }
      }
      return masks;
    }

    /// What is left on the sum over the sites whose bit is set in `survivors`.
    List<Mask> remaining(int survivors) {
      List<Mask> masks = new ArrayList<>();
      for (int i = 0; i < self.size(); i++) {
        if ((survivors >> i & 1) == 1) {
          masks.add(new Mask(self.get(i), true));
          for (int j = 0; j < self.size(); j++) {
            if ((survivors >> j & 1) == 0) {
              masks.add(between(i, j));
            }
          }
        }
      }
      return masks;
    }

    private Mask between(int site, int other) {
      return new Mask(pair.get(site).get(other), site < other);
    }

    private static MaskKey key(Random random) {
      byte[] secret = new byte[MaskKey.BYTES];
      random.nextBytes(secret);
      return MaskKey.of(secret);
    }
  }
}
