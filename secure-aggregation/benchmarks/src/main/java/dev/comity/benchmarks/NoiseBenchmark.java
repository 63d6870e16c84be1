package dev.comity.benchmarks;

import dev.comity.accounting.DiscreteGaussianSampler;
import dev.comity.accounting.RandomBits;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/// A million exact draws from the discrete Gaussian.
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@SuppressWarnings("NullAway.Init") // JMH sets up before it measures
public class NoiseBenchmark {
  /// Standard deviation, in integer units.
  @Param({"4", "1000", "1000000"})
  long sigma;

  private final long[] draws = new long[Workload.PARAMETERS];
  private DiscreteGaussianSampler sampler;

  @Setup
  public void begin() {
    sampler = new DiscreteGaussianSampler(sigma * sigma, 1, RandomBits.ofKey(new byte[32]));
  }

  @Benchmark
  public long[] discreteGaussian() {
    for (int i = 0; i < draws.length; i++) {
      draws[i] = sampler.next();
    }
    return draws;
  }
}
