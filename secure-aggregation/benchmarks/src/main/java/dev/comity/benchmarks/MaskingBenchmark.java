package dev.comity.benchmarks;

import dev.comity.plan.Noise;
import dev.comity.plan.Suite;
import dev.comity.update.AggregateUpdate;
import dev.comity.update.ClippedUpdate;
import dev.comity.update.EncodedUpdate;
import dev.comity.update.Mask;
import dev.comity.update.MaskKey;
import dev.comity.update.MaskedUpdate;
import dev.comity.update.NoisedUpdate;
import dev.comity.update.RoundingKey;
import dev.comity.update.SumAccumulator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/// An update's way out of its site and the sum on the other side.
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(
    value = 1,
    jvmArgsAppend = {"--add-modules", "jdk.incubator.vector"})
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class MaskingBenchmark {
  private static final int MASKS = 99;

  private final RoundingKey roundingKey = Workload.roundingKey();
  private final ClippedUpdate clipped = Workload.clippedUpdate();
  private final List<Mask> masks = masks(Suite.Generator.AES_256_CTR);
  private final List<Mask> chaCha20Masks = masks(Suite.Generator.CHACHA20);
  private final NoisedUpdate noised = encode().noise(new Noise.None());
  private final MaskedUpdate masked = noised.mask(masks);
  private final SumAccumulator unmasked = new SumAccumulator(Workload.LAYOUT, 1);
  private final SumAccumulator added = new SumAccumulator(Workload.LAYOUT, 1);
  private final SumAccumulator plain = new SumAccumulator(Workload.LAYOUT, 1);

  @Setup
  public void sumOneSite() {
    plain.add(masked);
    plain.remove(masks);
  }

  /// Clip, weigh, scale and round every coordinate.
  @Benchmark
  public EncodedUpdate encode() {
    return clipped.encode(Workload.LAYOUT, roundingKey);
  }

  /// One AES-256-CTR stream expanded and taken off a sum.
  @Benchmark
  public void expandAndAddOneMask() {
    unmasked.remove(masks.subList(0, 1));
  }

  /// The same of a ChaCha20 stream.
  @Benchmark
  public void expandAndAddOneChaCha20Mask() {
    unmasked.remove(chaCha20Masks.subList(0, 1));
  }

  /// The masks of a site among a hundred, with the copy of the vector.
  @Benchmark
  public MaskedUpdate maskAmongOneHundredSites() {
    return noised.mask(masks);
  }

  /// One survivor's vector added to the sum.
  @Benchmark
  public void addOneVector() {
    added.add(masked);
  }

  /// Every check of the unmasked sum, and the mean.
  @Benchmark
  public float[] decodeAndMean() {
    AggregateUpdate aggregate = plain.decode(1);
    return aggregate.mean();
  }

  private static List<Mask> masks(Suite.Generator generator) {
    return IntStream.range(0, MASKS)
        .mapToObj(i -> new Mask(key(generator, i), i % 2 == 0))
        .toList();
  }

  private static MaskKey key(Suite.Generator generator, int i) {
    byte[] secret = new byte[MaskKey.BYTES];
    secret[0] = (byte) i;
    return MaskKey.of(generator, secret);
  }
}
