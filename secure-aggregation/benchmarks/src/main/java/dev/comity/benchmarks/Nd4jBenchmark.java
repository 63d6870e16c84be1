package dev.comity.benchmarks;

import java.util.concurrent.TimeUnit;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.ops.transforms.Transforms;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/// The same work as [KernelBenchmark] and [ServerStepBenchmark] in ND4J, on arrays that are its own
/// already, and on one thread.
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(
    value = 1,
    jvmArgsAppend = {"-Xmx1g", "-Dorg.bytedeco.javacpp.maxbytes=1g"})
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class Nd4jBenchmark {
  private final INDArray weights = Nd4j.createFromArray(new float[Workload.PARAMETERS]);
  private final INDArray m = Nd4j.createFromArray(new float[Workload.PARAMETERS]);
  private final INDArray v = Nd4j.createFromArray(new float[Workload.PARAMETERS]);
  private final INDArray mean = Nd4j.createFromArray(Workload.delta());

  public Nd4jBenchmark() {
    Nd4j.getEnvironment().setMaxThreads(1);
  }

  @Benchmark
  public double norm2() {
    return mean.norm2Number().doubleValue();
  }

  @Benchmark
  public INDArray average() {
    return weights.addi(mean.mul(1e-3));
  }

  @Benchmark
  public INDArray adam() {
    m.muli(0.9).addi(mean.mul(1 - 0.9));
    v.muli(0.99).addi(mean.mul(mean).muli(1 - 0.99));
    return weights.addi(m.mul(1e-3).divi(Transforms.sqrt(v, true).addi(1e-3)));
  }
}
