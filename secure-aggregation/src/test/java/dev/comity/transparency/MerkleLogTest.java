package dev.comity.transparency;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.comity.plan.Digest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class MerkleLogTest {
  private static final int MANY = 260;

  /// The leaves of the test tree of the certificate-transparency project (`merkle_tree_test.cc` and
  /// the Go `testonly` package).
  private static final List<String> ENTRIES =
      List.of(
          "",
          "00",
          "10",
          "2021",
          "3031",
          "40414243",
          "5051525354555657",
          "606162636465666768696a6b6c6d6e6f");

  private static final List<String> ROOTS =
      List.of(
          "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
          "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
          "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
          "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
          "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
          "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
          "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
          "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
          "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328");

  private static MerkleLog published(int size) {
    MerkleLog log = new MerkleLog();
    ENTRIES
        .subList(0, size)
        .forEach(entry -> log.append(MerkleLog.leafHash(HexFormat.of().parseHex(entry))));
    return log;
  }

  private static Digest leaf(int index) {
    return MerkleLog.leafHash(new byte[] {(byte) (index >> 8), (byte) index});
  }

  private static MerkleLog log(int size) {
    MerkleLog log = new MerkleLog();
    IntStream.range(0, size).forEach(index -> log.append(leaf(index)));
    return log;
  }

  private static List<Digest> digests(String... hex) {
    return Arrays.stream(hex).map(Digest::fromHex).toList();
  }

  @Test
  void the_roots_of_the_published_test_tree_come_out() {
    for (int size = 0; size <= ENTRIES.size(); size++) {
      assertThat(published(size).root().hex()).isEqualTo(ROOTS.get(size));
      assertThat(published(ENTRIES.size()).root(size).hex()).isEqualTo(ROOTS.get(size));
    }
  }

  @Test
  void the_inclusion_proofs_of_the_published_test_tree_come_out() {
    MerkleLog log = published(8);

    assertThat(log.inclusion(0, 1).path()).isEmpty();
    assertThat(log.inclusion(0, 8).path())
        .isEqualTo(
            digests(
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"));
    assertThat(log.inclusion(5, 8).path())
        .isEqualTo(
            digests(
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"));
    assertThat(log.inclusion(2, 3).path()).isEqualTo(digests(ROOTS.get(2)));
  }

  @Test
  void the_consistency_proofs_of_the_published_test_tree_come_out() {
    MerkleLog log = published(8);

    assertThat(log.consistency(1, 1).path()).isEmpty();
    assertThat(log.consistency(1, 8).path())
        .isEqualTo(
            digests(
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"));
    assertThat(log.consistency(6, 8).path())
        .isEqualTo(
            digests(
                "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"));
    assertThat(log.consistency(2, 5).path())
        .isEqualTo(
            digests(
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"));
  }

  /// MTH(D[n]) of RFC 6962 §2.1, as it is written.
  private static Digest defined(int from, int to) {
    if (to - from == 1) {
      return leaf(from);
    }
    int k = Integer.highestOneBit(to - from - 1);
    return Digest.ofAll(
        new byte[] {1}, defined(from, from + k).bytes(), defined(from + k, to).bytes());
  }

  @Test
  void every_root_is_the_one_that_the_definition_gives() {
    MerkleLog whole = log(MANY);
    for (int size = 1; size <= MANY; size++) {
      assertThat(whole.root(size)).isEqualTo(defined(0, size));
    }
  }

  @Test
  void every_leaf_of_every_size_is_proven_and_nothing_else_is() {
    MerkleLog log = log(MANY);
    for (int size = 1; size <= MANY; size++) {
      Digest root = log.root(size);
      for (int index = 0; index < size; index++) {
        InclusionProof proof = log.inclusion(index, size);
        assertThat(proof.proves(leaf(index), root)).isTrue();
        assertThat(proof.proves(leaf(index + 1), root)).isFalse();
        int other = (index + 1) % size;
        if (other != index) {
          assertThat(new InclusionProof(other, size, proof.path()).proves(leaf(index), root))
              .isFalse();
        }
        assertThat(proof.proves(leaf(index), log.root(size % MANY + 1))).isFalse();
      }
    }
  }

  @Test
  void every_pair_of_sizes_is_proven_consistent_and_nothing_else_is() {
    MerkleLog log = log(MANY);
    for (int to = 0; to <= MANY; to++) {
      for (int from = 0; from <= to; from++) {
        ConsistencyProof proof = log.consistency(from, to);
        assertThat(proof.proves(log.root(from), log.root(to))).isTrue();
        if (from > 0) {
          assertThat(proof.proves(log.root(from - 1), log.root(to))).isFalse();
        }
        if (from > 0 && to < MANY) {
          assertThat(proof.proves(log.root(from), log.root(to + 1))).isFalse();
        }
      }
    }
  }

  @Test
  void a_log_whose_past_was_changed_is_not_consistent() {
    for (int changed = 0; changed < 40; changed++) {
      MerkleLog honest = log(64);
      MerkleLog forged = new MerkleLog();
      for (int index = 0; index < 64; index++) {
        forged.append(index == changed ? leaf(1000) : leaf(index));
      }
      for (int from = changed + 1; from < 64; from++) {
        assertThat(forged.consistency(from, 64).proves(honest.root(from), forged.root())).isFalse();
      }
    }
  }

  private static List<Digest> flipped(List<Digest> path, int node, int bit) {
    List<Digest> changed = new ArrayList<>(path);
    byte[] bytes = path.get(node).bytes();
    bytes[bit / 8] ^= (byte) (1 << (bit % 8));
    changed.set(node, Digest.ofValue(bytes));
    return changed;
  }

  @Test
  void every_flipped_bit_and_every_lost_or_added_node_of_a_proof_is_refused() {
    MerkleLog log = log(13);
    for (int index = 0; index < 13; index++) {
      List<Digest> path = log.inclusion(index, 13).path();
      for (int node = 0; node < path.size(); node++) {
        for (int bit = 0; bit < 256; bit++) {
          assertThat(
                  new InclusionProof(index, 13, flipped(path, node, bit))
                      .proves(leaf(index), log.root()))
              .isFalse();
        }
      }
      List<Digest> longer = new ArrayList<>(path);
      longer.add(leaf(0));
      assertThat(new InclusionProof(index, 13, longer).proves(leaf(index), log.root())).isFalse();
      assertThat(
              new InclusionProof(index, 13, path.subList(1, path.size()))
                  .proves(leaf(index), log.root()))
          .isFalse();
    }
    for (int from = 1; from < 13; from++) {
      List<Digest> path = log.consistency(from, 13).path();
      for (int node = 0; node < path.size(); node++) {
        for (int bit = 0; bit < 256; bit++) {
          assertThat(
                  new ConsistencyProof(from, 13, flipped(path, node, bit))
                      .proves(log.root(from), log.root()))
              .isFalse();
        }
      }
      List<Digest> longer = new ArrayList<>(path);
      longer.add(leaf(0));
      assertThat(new ConsistencyProof(from, 13, longer).proves(log.root(from), log.root()))
          .isFalse();
      assertThat(
              new ConsistencyProof(from, 13, path.subList(1, path.size()))
                  .proves(log.root(from), log.root()))
          .isFalse();
    }
  }

  @Test
  void an_inner_node_does_not_stand_for_a_leaf() {
    MerkleLog two = log(2);
    MerkleLog four = log(4);

    InclusionProof above = new InclusionProof(0, 2, four.inclusion(0, 4).path().subList(1, 2));

    assertThat(above.proves(two.root(), four.root())).isTrue(); // as a hash it fits
    byte[] concatenated = new byte[64];
    System.arraycopy(leaf(0).bytes(), 0, concatenated, 0, 32);
    System.arraycopy(leaf(1).bytes(), 0, concatenated, 32, 32);
    assertThat(MerkleLog.leafHash(concatenated)).isNotEqualTo(two.root()); // no entry hashes to it
  }

  @Test
  void sizes_and_indices_that_the_log_does_not_have_are_refused() {
    MerkleLog log = log(5);

    assertThatThrownBy(() -> log.root(6)).hasMessageContaining("size 6: must be 0 to 5");
    assertThatThrownBy(() -> log.inclusion(5, 5)).hasMessageContaining("index 5: must be 0 to 4");
    assertThatThrownBy(() -> log.inclusion(-1, 5)).hasMessageContaining("index -1");
    assertThatThrownBy(() -> log.inclusion(0, 6)).hasMessageContaining("size 6");
    assertThatThrownBy(() -> log.consistency(4, 3)).hasMessageContaining("from 4: must be 0 to 3");
    assertThatThrownBy(() -> log.consistency(-1, 3)).hasMessageContaining("from -1");
    assertThatThrownBy(() -> log.consistency(1, 6)).hasMessageContaining("to 6");
    assertThatThrownBy(() -> new InclusionProof(3, 3, List.of())).hasMessageContaining("index 3");
    assertThatThrownBy(() -> new ConsistencyProof(4, 3, List.of())).hasMessageContaining("size 4");
  }
}
