package dev.comity.session;

import dev.comity.benchmarks.Workload;
import dev.comity.plan.SiteId;
import dev.comity.update.Mask;
import dev.comity.update.MaskedUpdate;
import dev.comity.update.SumAccumulator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
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
import org.openjdk.jmh.infra.Blackhole;

/// What the sum of a session of `n` sites costs the aggregator when a tenth of them drops out after
/// P2, for a million parameters on the complete graph: `secrets`, `maskKeys`, `addVectors` and
/// `removeMasks` one after the other.
///
/// The common pool has no worker here: with one thread the seconds are core-seconds.
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.SECONDS)
@Fork(
    value = 1,
    jvmArgsAppend = {
      "--add-modules",
      "jdk.incubator.vector",
      "-Djava.util.concurrent.ForkJoinPool.common.parallelism=0"
    })
@Warmup(iterations = 2)
@Measurement(iterations = 3)
public class RecoveryBenchmark {
  private static final int DROP_OUTS = 10;

  /// A session whose last tenth is gone.
  @State(Scope.Benchmark)
  @SuppressWarnings("NullAway.Init") // JMH sets up before it measures
  public static class Session {
    @Param({"100", "500"})
    int n;

    private Cohort cohort;
    private Revealed revealed;

    @Setup
    public void dropOut() {
      cohort = new Cohort(n);
      Map<SiteId, byte[]> seeds = new HashMap<>();
      Map<SiteId, byte[]> maskSecrets = new HashMap<>();
      for (int site = 0; site < n; site++) {
        if (site < survivors()) {
          seeds.put(cohort.sites.get(site), cohort.derived(site, Labels.SELF_MASK));
        } else {
          maskSecrets.put(cohort.sites.get(site), cohort.derived(site, Labels.MASK_SECRET));
        }
      }
      revealed = new Revealed(seeds, maskSecrets);
    }

    private int survivors() {
      return n - n / DROP_OUTS;
    }
  }

  /// T shares of one secret of every site.
  @State(Scope.Benchmark)
  @SuppressWarnings("NullAway.Init") // JMH sets up before it measures
  public static class Shares {
    private int[] xs;
    private byte[][] shares;

    @Setup
    public void deal(Session session) {
      int threshold = session.cohort.roster.threshold();
      xs = IntStream.rangeClosed(1, threshold).toArray();
      var random = new Random(1);
      shares = Shamir.split(new byte[32], threshold, xs, () -> random.nextLong() & Shamir.P >>> 1);
    }
  }

  /// The sum, on some threads.
  @State(Scope.Benchmark)
  @SuppressWarnings("NullAway.Init") // JMH sets up before it measures
  public static class Sum {
    @Param({"1", "2"})
    int threads;

    private List<Mask> masks;
    private SumAccumulator sum;

    @Setup
    public void begin(Session session) {
      masks = session.revealed.masks(session.cohort.keys);
      sum = new SumAccumulator(Workload.LAYOUT, threads);
    }
  }

  /// One vector, which stands for every survivor's.
  @State(Scope.Benchmark)
  @SuppressWarnings("NullAway.Init") // JMH sets up before it measures
  public static class Vector {
    private MaskedUpdate vector;

    @Setup
    public void mask(Sum sum) {
      vector = Workload.noisedUpdate(Workload.PARAMETERS).mask(sum.masks.subList(0, 1));
    }
  }

  /// A secret of every site from T shares, as when all of T answer.
  @Benchmark
  public void secrets(Session session, Shares shares, Blackhole sink) {
    long[] weights = Shamir.weightsAtZero(shares.xs);
    for (int site = 0; site < session.n; site++) {
      sink.consume(Shamir.reconstruct(weights, shares.shares));
    }
  }

  /// One agreement for each pair of a survivor and a site that dropped out.
  @Benchmark
  public List<Mask> maskKeys(Session session) {
    return session.revealed.masks(session.cohort.keys);
  }

  /// The survivors' masked vectors.
  @Benchmark
  public void addVectors(Session session, Sum sum, Vector vector) {
    for (int site = 0; site < session.survivors(); site++) {
      sum.sum.add(vector.vector);
    }
  }

  /// The survivors' self masks and the masks between survivors and sites that dropped out.
  @Benchmark
  public void removeMasks(Session session, Sum sum) {
    sum.sum.remove(sum.masks);
  }
}
