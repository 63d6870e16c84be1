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
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/// Rings of every width.
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(
    value = 1,
    jvmArgsAppend = {"--add-modules", "jdk.incubator.vector"})
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@SuppressWarnings("NullAway.Init") // JMH sets up before it measures
public class WidthBenchmark {
  @Param({"32", "24", "16"})
  int bits;

  private MemorySegment packed;
  private MemorySegment addend;
  private MemorySegment elements;

  @Setup
  public void fill() {
    packed = Arena.ofAuto().allocate((long) Workload.PARAMETERS * bits / Byte.SIZE, 64);
    addend = Arena.ofAuto().allocate(packed.byteSize(), 64);
    elements = Arena.ofAuto().allocate(4L * Workload.PARAMETERS, 64);
    for (long i = 0; i < Workload.PARAMETERS; i++) {
      elements.setAtIndex(ValueLayout.JAVA_INT, i, (int) (i * 0x9E3779B9L));
    }
    Vectors.pack(bits, addend, elements);
  }

  @Benchmark
  public void addModular() {
    Vectors.addModular(bits, packed, addend);
  }

  @Benchmark
  public void pack() {
    Vectors.pack(bits, packed, elements);
  }

  @Benchmark
  public void unpack() {
    Vectors.unpack(bits, elements, addend);
  }
}
