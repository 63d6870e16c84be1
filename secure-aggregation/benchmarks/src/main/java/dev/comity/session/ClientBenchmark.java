package dev.comity.session;

import dev.comity.benchmarks.Workload;
import dev.comity.plan.Digest;
import dev.comity.update.Mask;
import dev.comity.update.MaskedUpdate;
import dev.comity.update.NoisedUpdate;
import java.util.ArrayList;
import java.util.List;
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
import org.openjdk.jmh.infra.Blackhole;

/// What one session on the complete graph costs one of its `n` sites on one core, in four parts
/// that add up: `keyAgreement`, `sharing`, `signatures` and, for a vector of `m` elements, `masks`.
///
/// The common pool has no worker here, so that nothing runs on a second core.
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(
    value = 1,
    jvmArgsAppend = {
      "--add-modules",
      "jdk.incubator.vector",
      "-Djava.util.concurrent.ForkJoinPool.common.parallelism=0"
    })
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class ClientBenchmark {
  /// Of the site that is measured.
  private static final int SELF = 1;

  /// A session as its site number 1 sees it.
  @State(Scope.Benchmark)
  @SuppressWarnings("NullAway.Init") // JMH sets up before it measures
  public static class Sites {
    @Param({"10", "50", "100"})
    int n;

    private Cohort cohort;
    private Secrets secrets;

    @Setup
    public void gather() {
      cohort = new Cohort(n);
      secrets = cohort.secrets(SELF);
    }

    private List<Mask> masks() {
      return secrets.masks(cohort.keys, cohort.keys.places(), cohort.sites.get(SELF));
    }
  }

  /// What the others dealt to it.
  @State(Scope.Benchmark)
  @SuppressWarnings("NullAway.Init") // JMH sets up before it measures
  public static class Dealt {
    private List<Delivery> deliveries;

    @Setup
    public void deal(Sites sites) {
      var cohort = sites.cohort;
      deliveries = new ArrayList<>();
      for (int dealer = 0; dealer < sites.n; dealer++) {
        deliveries.add(
            cohort
                .secrets(dealer)
                .deal(cohort.keys, cohort.sites.get(dealer))
                .deliveries()
                .get(SELF));
      }
    }
  }

  /// What the others signed: P1, P2 and P3 of each site, and a certificate of T votes.
  @State(Scope.Benchmark)
  @SuppressWarnings("NullAway.Init") // JMH sets up before it measures
  public static class Signed {
    private Digest preceding;
    private List<List<SignedMessage>> views;

    @Setup
    public void sign(Sites sites) {
      var cohort = sites.cohort;
      preceding = cohort.keys.h1();
      views =
          List.of(
              cohort.messages(sites.n, SignedMessage.Phase.ADVERTISE_KEYS, preceding),
              cohort.messages(sites.n, SignedMessage.Phase.SHARE_KEYS, preceding),
              cohort.messages(sites.n, SignedMessage.Phase.MASKED_INPUT, preceding),
              cohort.messages(cohort.roster.threshold(), SignedMessage.Phase.VOTE, preceding));
    }
  }

  /// The update that is masked.
  @State(Scope.Benchmark)
  @SuppressWarnings("NullAway.Init") // JMH sets up before it measures
  public static class Vector {
    @Param({"100000", "1000000", "10000000"})
    int m;

    private NoisedUpdate update;
    private List<Mask> masks;

    @Setup
    public void encode(Sites sites) {
      update = Workload.noisedUpdate(m);
      masks = sites.masks();
    }
  }

  /// Both own public keys, and the key of the mask with every other site.
  @Benchmark
  public void keyAgreement(Sites sites, Blackhole sink) {
    sink.consume(sites.secrets.advertisement(SELF, 1, PrivacyBook.EMPTY, sites.cohort.membership));
    sink.consume(sites.masks());
  }

  /// Shares of two secrets for every other site, encrypted under channel keys that are agreed for
  /// it, with the commitment; and those of every other site decrypted.
  @Benchmark
  public void sharing(Sites sites, Dealt dealt, Blackhole sink) {
    var keys = sites.cohort.keys;
    var self = sites.cohort.sites.get(SELF);
    var own = sites.secrets.deal(keys, self);
    sink.consume(ShareDeliveries.of(keys, self, own.deliveries()).encode(keys, self));
    for (int dealer = 0; dealer < sites.n; dealer++) {
      if (dealer != SELF) {
        sink.consume(
            sites.secrets.open(
                keys, sites.cohort.sites.get(dealer), self, dealt.deliveries.get(dealer)));
      }
    }
  }

  /// The five own signatures of a session, and every signature that the site verifies in it.
  @Benchmark
  public void signatures(Sites sites, Signed signed, Blackhole sink) {
    for (var phase :
        List.of(
            SignedMessage.Phase.ADVERTISE_KEYS,
            SignedMessage.Phase.SHARE_KEYS,
            SignedMessage.Phase.MASKED_INPUT,
            SignedMessage.Phase.VOTE,
            SignedMessage.Phase.UNMASK)) {
      sink.consume(sites.cohort.signed(SELF, phase, signed.preceding, new byte[] {1}));
    }
    for (var view : signed.views) {
      sites.cohort.roster.verifyAll(view, signed.preceding);
    }
  }

  /// The self mask and one with every other site, expanded and added, with the copy of the vector.
  @Benchmark
  public MaskedUpdate masks(Sites sites, Vector vector) {
    return vector.update.mask(vector.masks);
  }
}
