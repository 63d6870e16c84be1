package dev.comity.benchmarks;

import dev.comity.vector.Vectors;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
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

/// The kernels, each in a process with the Vector API and in one without.
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class KernelBenchmark {
  private static final String ADD_MODULES = "--add-modules";
  private static final String VECTOR = "jdk.incubator.vector";

  private final MemorySegment sum = elements(1);
  private final MemorySegment addend = elements(2);
  private final MemorySegment floats = elements(0);

  @Benchmark
  @Fork(
      value = 1,
      jvmArgsAppend = {ADD_MODULES, VECTOR})
  public void addModularPanama() {
    Vectors.addModular(32, sum, addend);
  }

  @Benchmark
  @Fork(1)
  public void addModularScalar() {
    Vectors.addModular(32, sum, addend);
  }

  @Benchmark
  @Fork(
      value = 1,
      jvmArgsAppend = {ADD_MODULES, VECTOR})
  public double norm2Panama() {
    return Vectors.norm2(floats);
  }

  @Benchmark
  @Fork(1)
  public double norm2Scalar() {
    return Vectors.norm2(floats);
  }

  private static MemorySegment elements(int seed) {
    var elements = Arena.ofAuto().allocate(4L * Workload.PARAMETERS, 64);
    for (long i = 0; i < Workload.PARAMETERS; i++) {
      elements.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) Math.sin((double) seed + i));
    }
    return elements;
  }
}
