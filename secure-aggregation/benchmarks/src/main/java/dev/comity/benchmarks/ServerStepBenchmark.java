package dev.comity.benchmarks;

import dev.comity.algorithm.ServerOptimizer;
import dev.comity.algorithm.ServerStep;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/// The step from one model version to the next, which the server takes and every site redoes.
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class ServerStepBenchmark {
  private final float[] weights = new float[Workload.PARAMETERS];
  private final float[] m = new float[Workload.PARAMETERS];
  private final float[] v = new float[Workload.PARAMETERS];
  private final float[] mean = Workload.delta();

  @Benchmark
  public float[] average() {
    ServerOptimizer.apply(new ServerStep.Average(1e-3), weights, m, v, mean);
    return weights;
  }

  @Benchmark
  public float[] adam() {
    ServerOptimizer.apply(new ServerStep.Adam(1e-3, 0.9, 0.99, 1e-3), weights, m, v, mean);
    return weights;
  }
}
