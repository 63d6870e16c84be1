package dev.comity.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.comity.plan.Digest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// The ring, its parameters and the rule that every survivor keeps enough neighbours.
class RingTest {
  private static final Digest H1 = Digest.of(new byte[] {1});

  @ParameterizedTest
  @CsvSource({
    "120, 1000, 100, 378, 265",
    "120, 10000, 1000, 598, 415",
    "41, 1000, 100, 266, 178",
    "41, 10000, 1000, 374, 248"
  })
  void theSmallestDegreeAndItsThresholdAreTheKnownOnes(
      int exponent, int n, int nC, int degree, int threshold) {
    GraphRule.Ring ring = new GraphRule(512, exponent, 20, 200).ring(n, nC).orElseThrow();

    assertThat(ring.degree()).isEqualTo(degree);
    assertThat(ring.threshold()).isEqualTo(threshold);
  }

  @Test
  void theHypergeometricDistributionGivesItsKnownAnswers() {
    assertThat(new Hypergeometric(15, 6, 12).probability(4)).isEqualTo(0.2967032967032967);
    assertThat(new Hypergeometric(1489, 312, 370).atMost(89))
        .isCloseTo(0.9599670222722507, org.assertj.core.data.Offset.offset(1e-14));
    assertThat(new Hypergeometric(10, 0, 4).atMost(0)).isOne();
    assertThat(new Hypergeometric(10, 10, 4).probability(4)).isOne();
    assertThat(new Hypergeometric(9, 5, 4).quantileAbove(1)).isZero();
  }

  @Test
  void theHypergeometricDistributionHoldsAtTheEndsOfItsRange() {
    assertThat(new Hypergeometric(0, 0, 0).probability(0)).isOne();
    assertThat(new Hypergeometric(7, 3, 0).probability(0)).isOne();
    assertThat(new Hypergeometric(7, 3, 7).probability(3)).isOne();
    Hypergeometric most = new Hypergeometric(10, 8, 6); // 4, 5 or 6 marked
    assertThat(most.probability(4))
        .isCloseTo(70 / 210.0, org.assertj.core.data.Offset.offset(1e-15));
    assertThat(most.probability(6))
        .isCloseTo(28 / 210.0, org.assertj.core.data.Offset.offset(1e-15));
    assertThat(most.probability(3)).isZero();
    assertThat(most.probability(7)).isZero();
    assertThat(most.above(5)).isEqualTo(most.probability(6));
    assertThat(most.above(3)).isOne();
    assertThat(most.atMost(4)).isEqualTo(most.probability(4));
    assertThat(most.quantileAbove(0)).isEqualTo(6);
    assertThat(most.quantileAbove(most.probability(6))).isEqualTo(5);
    assertThat(most.quantileAbove(0.9)).isEqualTo(4);
    assertThat(most.quantileAbove(2)).isEqualTo(3);
    for (int[] bad : new int[][] {{-1, 0, 0}, {5, -1, 2}, {5, 2, -1}, {5, 6, 2}, {5, 2, 6}}) {
      assertThatThrownBy(() -> new Hypergeometric(bad[0], bad[1], bad[2]))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void aRuleHasItsBounds() {
    assertThat(new GraphRule(1, 1, 1, 0).mostComplete()).isEqualTo(1);
    assertThat(new GraphRule(GraphRule.MOST_SITES, 200, 200, 999).dropOutPermille()).isEqualTo(999);
    for (int[] bad :
        new int[][] {
          {0, 120, 20, 200},
          {GraphRule.MOST_SITES + 1, 120, 20, 200},
          {512, 0, 20, 200},
          {512, 201, 20, 200},
          {512, 120, 0, 200},
          {512, 120, 201, 200},
          {512, 120, 20, -1},
          {512, 120, 20, 1000}
        }) {
      assertThatThrownBy(() -> new GraphRule(bad[0], bad[1], bad[2], bad[3]))
          .as(Arrays.toString(bad))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("must be");
    }
  }

  @Test
  void aRingHasAnEvenDegreeBelowItsSizeAndKnowsItsMembersAlone() {
    PlaceSet three = PlaceSet.of(5, IntStream.of(0, 2, 4));
    HararyRing ring = HararyRing.of(H1, three, 5, 2);

    assertThat(ring.neighbours(2)).containsExactlyInAnyOrder(0, 4);
    assertThatThrownBy(() -> ring.neighbours(1))
        .isInstanceOf(SessionRefusal.class)
        .hasMessageContaining("place 1");
    for (int degree : new int[] {0, 1, 3, 4}) {
      assertThatThrownBy(() -> HararyRing.of(H1, three, 5, degree))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void tailsAreThoseOfTheExactCounts() {
    Hypergeometric few = new Hypergeometric(9, 4, 5);
    long[] ways = {1, 20, 60, 40, 5}; // C(4,i)·C(5,5−i), of C(9,5) = 126
    for (int count = 0; count <= 4; count++) {
      double above = 0;
      for (int i = count + 1; i <= 4; i++) {
        above += ways[i] / 126.0;
      }
      assertThat(few.above(count)).isCloseTo(above, org.assertj.core.data.Offset.offset(1e-15));
      assertThat(few.quantileAbove(above * 1.0000001)).isEqualTo(count);
    }
  }

  @Test
  void upTo512SitesTheGraphIsCompleteAndAboveARing() {
    assertThat(GraphRule.STANDARD.graph(512, 100))
        .isEqualTo(new SessionDescriptor.Graph.Complete());
    assertThat(GraphRule.STANDARD.graph(1000, 100))
        .isEqualTo(new SessionDescriptor.Graph.Regular(378, 265, GraphRule.STANDARD));
  }

  @Test
  void whereNoRingWithstandsTheColludingSitesTheRosterIsRefused() {
    assertThatThrownBy(() -> GraphRule.STANDARD.graph(1000, 400))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("1000 sites at nC 400")
        .hasMessageContaining("lower nC");
    assertThat(GraphRule.STANDARD.largest(1000, 400)).isEqualTo(512);
    assertThat(GraphRule.STANDARD.largest(1000, 100)).isEqualTo(1000);
    assertThat(GraphRule.STANDARD.largest(400, 200)).isEqualTo(400);
  }

  @Test
  void neighboursAreMutualAndTheirSlotsAreTheirOrder() {
    PlaceSet members = PlaceSet.of(40, IntStream.range(0, 40).filter(i -> i % 7 != 3));
    HararyRing ring = HararyRing.of(H1, members, 40, 8);

    for (int place : members.places().toArray()) {
      int[] neighbours = ring.neighbours(place);
      assertThat(neighbours).hasSize(8).doesNotHaveDuplicates().doesNotContain(place);
      for (int i = 0; i < neighbours.length; i++) {
        assertThat(ring.slot(place, neighbours[i])).isEqualTo(i);
        assertThat(ring.slot(neighbours[i], place)).isEqualTo(neighbours.length - 1 - i);
      }
      for (int other : members.places().toArray()) {
        assertThat(ring.slot(place, other) >= 0)
            .isEqualTo(Arrays.stream(neighbours).anyMatch(each -> each == other));
      }
    }
  }

  @Test
  void everyOrderOfAFewSitesComesUpEquallyOften() {
    PlaceSet four = PlaceSet.of(4, IntStream.range(0, 4));
    int[] opposite = new int[4];
    int rounds = 3000;
    for (int i = 0; i < rounds; i++) {
      Digest h1 = Digest.of(new byte[] {(byte) i, (byte) (i >> 8), 5});
      HararyRing ring = HararyRing.of(h1, four, 4, 2);
      for (int other = 1; other < 4; other++) {
        opposite[other] += ring.slot(0, other) < 0 ? 1 : 0;
      }
    }

    for (int other = 1; other < 4; other++) { // 5 standard deviations of Binomial(3000, 1/3)
      assertThat(opposite[other]).isBetween(1000 - 130, 1000 + 130);
    }
  }

  @Test
  void theCoreIsTheLargestSetThatKeepsTheDegreeRule() {
    int n = 10;
    PlaceSet members = PlaceSet.of(n, IntStream.range(0, n));
    HararyRing ring = HararyRing.of(H1, members, n, 6);

    for (int least = 1; least <= 6; least++) {
      for (int chosen = 0; chosen < 1 << n; chosen++) {
        PlaceSet sites = places(n, chosen);
        BitSet naive = BitSet.valueOf(new long[] {chosen});
        for (boolean shrinking = true; shrinking; ) {
          BitSet thin = new BitSet();
          for (int place : naive.stream().toArray()) {
            if (Arrays.stream(ring.neighbours(place)).filter(naive::get).count() < least) {
              thin.set(place);
            }
          }
          naive.andNot(thin);
          shrinking = !thin.isEmpty();
        }
        assertThat(ring.core(least, sites)).isEqualTo(PlaceSet.of(n, naive.stream()));
        assertThat(ring.everyoneHas(least, sites)).isEqualTo(sites.size() == naive.cardinality());
      }
    }
  }

  private static PlaceSet places(int n, int chosen) {
    return PlaceSet.of(n, IntStream.range(0, n).filter(i -> (chosen >> i & 1) == 1));
  }

  /// Every choice of survivors and of `nC` colluding sites on small rings: under the degree rule
  /// the honest survivors hang together, so only their whole sum can be learned, and the colluding
  /// neighbours of a site hold fewer than t shares of it.
  @Tag("exhaustive")
  @ParameterizedTest
  @CsvSource({"8, 1, 125", "9, 1, 120", "10, 2, 0", "11, 2, 0"})
  void theDegreeRuleForbidsEveryCutAndWithoutItSomeCutsRemain(int n, int nC, int dropOutPermille) {
    GraphRule.Ring found = new GraphRule(1, 120, 20, dropOutPermille).ring(n, nC).orElseThrow();
    HararyRing ring = HararyRing.of(H1, PlaceSet.of(n, IntStream.range(0, n)), n, found.degree());

    int cuts = 0;
    for (int corrupt = 0; corrupt < 1 << n; corrupt++) {
      if (Integer.bitCount(corrupt) == nC) {
        for (int survivors = 0; survivors < 1 << n; survivors++) {
          boolean together = together(ring, survivors & ~corrupt);
          cuts += together ? 0 : 1;
          if (ring.everyoneHas(found.threshold(), places(n, survivors))) {
            assertThat(together)
                .as("survivors %s, corrupt %s", bits(survivors), bits(corrupt))
                .isTrue();
          }
        }
        for (int place = 0; place < n; place++) {
          int fixed = corrupt;
          long colluding =
              Arrays.stream(ring.neighbours(place)).filter(i -> (fixed >> i & 1) == 1).count();
          assertThat(colluding).isLessThan(found.threshold());
        }
      }
    }
    assertThat(cuts).isPositive();
  }

  private static String bits(int set) {
    return Integer.toBinaryString(set);
  }

  /// Whether the sites of `set` are connected by links among themselves.
  private static boolean together(HararyRing ring, int set) {
    if (set == 0) {
      return true;
    }
    Set<Integer> reached = new HashSet<>();
    List<Integer> open = new ArrayList<>(List.of(Integer.numberOfTrailingZeros(set)));
    while (!open.isEmpty()) {
      int place = open.removeLast();
      if (reached.add(place)) {
        Arrays.stream(ring.neighbours(place)).filter(i -> (set >> i & 1) == 1).forEach(open::add);
      }
    }
    return reached.size() == Integer.bitCount(set);
  }

  @Test
  void aMerkleProofOfSeveralLeavesLeadsToTheRootAndAnyOtherIsRefused() {
    Random random = new Random(7);
    for (int count = 1; count <= 33; count++) {
      List<Digest> leaves = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        leaves.add(Digest.of(new byte[] {(byte) i}));
      }
      MerkleTree tree = new MerkleTree(leaves);
      TreeMap<Integer, Digest> shown = new TreeMap<>();
      for (int i = 0; i < count; i++) {
        if (random.nextBoolean() || i == count / 2) {
          shown.put(i, leaves.get(i));
        }
      }
      List<Digest> proof = tree.proof(new TreeSet<>(shown.keySet()));
      int leafCount = count;

      assertThat(MerkleTree.root(shown, count, proof)).isEqualTo(tree.root());
      assertThatThrownBy(() -> MerkleTree.root(shown, leafCount, longer(proof)))
          .isInstanceOf(IllegalArgumentException.class);
      if (!proof.isEmpty()) {
        assertThatThrownBy(
                () -> MerkleTree.root(shown, leafCount, proof.subList(0, proof.size() - 1)))
            .isInstanceOf(IllegalArgumentException.class);
      }
      shown.put(count / 2, Digest.of(new byte[] {99}));
      assertThat(MerkleTree.root(shown, count, proof)).isNotEqualTo(tree.root());
    }
  }

  private static List<Digest> longer(List<Digest> proof) {
    List<Digest> longer = new ArrayList<>(proof);
    longer.add(Digest.of(new byte[] {98}));
    return longer;
  }
}
